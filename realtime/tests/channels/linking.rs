//! How people link their channels, and see which they have.

use leptos::{
    prelude::{Owner, provide_context},
    reactive::computed::ScopedFuture,
};
use leptos_realtime::{
    ChannelError, ErrorCode, LinkCode, LinkedChannel, Realtime, Telegram,
    protocol::ProtocolError,
    server_fns::{link_channel, linked_channels, unlink_channel},
};

use super::{
    bot_api::BotApi,
    support::{Recorder, builder, config, id},
};
use crate::common::host::{Host, SqliteHost};

async fn node(host: &SqliteHost, bot: &BotApi) -> Realtime {
    let builder = builder(config()).channel(Recorder::new());
    let builder = builder.channel(Telegram::new(bot.config()).unwrap());
    let builder = builder.database(host.database().await);
    let builder = builder.authenticate(|handshake| async move {
        let name = handshake.parts().headers.get("x-user");
        let name = name.map(|name| name.to_str().unwrap().to_owned());
        Ok(name.map(|name| leptos_realtime::User::new(id(&name), name)))
    });
    builder.start().await.unwrap()
}

/// A server function, as a page of somebody calls it.
async fn page<T, F: Future<Output = T> + Send + 'static>(
    node: &Realtime,
    headers: &[(&'static str, &'static str)],
    ask: impl FnOnce() -> F,
) -> T {
    let mut request = http::Request::new(());
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let owner = Owner::new();
    let asked = owner.with(|| {
        provide_context(node.clone());
        provide_context(request.into_parts().0);
        ScopedFuture::new(ask())
    });
    asked.await
}

#[tokio::test]
async fn people_see_and_change_their_own_channels_only() {
    let (host, bot) = (SqliteHost::new().await, BotApi::start().await);
    let node = node(&host, &bot).await;
    let ada = [("x-user", "ada")];
    let list: Vec<LinkedChannel> = page(&node, &ada, linked_channels).await.unwrap();
    let names: Vec<_> = list.iter().map(|one| &*one.channel).collect();
    assert_eq!(names, ["recorder", "telegram"]);
    assert!(
        list.iter()
            .all(|one| one.linked.is_none() && one.problem.is_none())
    );

    let link = |channel: &str| {
        let channel = channel.to_owned();
        move || link_channel(channel)
    };
    let code: Result<LinkCode, ProtocolError> = page(&node, &ada, link("telegram")).await;
    let code = code.unwrap();
    assert_eq!(code.code.len(), 32);
    assert_eq!(
        code.url,
        format!("https://t.me/forum_bot?start={}", code.code)
    );
    for (channel, said) in [("recorder", "settings"), ("pigeon", "no such channel")] {
        let refused = page(&node, &ada, link(channel)).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::BadRequest);
        assert!(refused.message.contains(said), "{refused}");
    }
    let guest = page(&node, &[], link("telegram")).await.unwrap_err();
    assert_eq!(guest.code, ErrorCode::Unauthorized);
    let guest = page(&node, &[], linked_channels).await.unwrap_err();
    assert_eq!(guest.code, ErrorCode::Unauthorized);
    let foreign = [
        ("x-user", "ada"),
        ("host", "forum.example"),
        ("origin", "https://elsewhere.example"),
    ];
    let refused = page(&node, &foreign, link("telegram")).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::OriginDenied);

    node.link_channel(id("ada"), "recorder", "1").await.unwrap();
    node.link_channel(id("bob"), "recorder", "2").await.unwrap();
    let unlink = || unlink_channel("recorder".to_owned());
    let refused = page(&node, &foreign, unlink).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::OriginDenied);
    let list = page(&node, &ada, linked_channels).await.unwrap();
    assert!(list[0].linked.is_some());
    page(&node, &ada, unlink).await.unwrap();
    let list = page(&node, &ada, linked_channels).await.unwrap();
    assert_eq!(list[0].linked, None);
    let bobs = node.linked_channels(id("bob")).await.unwrap();
    assert!(bobs[0].linked.is_some(), "another's is not touched");
    node.shutdown().await;
}

#[tokio::test]
async fn what_a_host_links_is_checked() {
    let (host, bot) = (SqliteHost::new().await, BotApi::start().await);
    let node = node(&host, &bot).await;
    for length in [0, 513, 1_000_000] {
        let address = "x".repeat(length);
        let refused = node.link_channel(id("ada"), "recorder", &address).await;
        assert!(matches!(refused, Err(ChannelError::Address(found)) if found == length));
    }
    let unknown = node.link_channel(id("ada"), "pigeon", "1").await;
    assert!(unknown.unwrap_err().to_string().contains("pigeon"));
    let unlinked = node.unlink_channel(id("ada"), "recorder").await;
    assert!(!unlinked.unwrap());
    let without = leptos_realtime::Realtime::builder(config())
        .authenticate(|_| async { Ok(None::<leptos_realtime::User>) })
        .authorize(|_, rooms, _| async move { Ok(rooms) });
    let without = without.start().await.unwrap();
    assert!(without.linked_channels(id("ada")).await.unwrap().is_empty());
    let none = without.link_channel(id("ada"), "recorder", "1").await;
    assert!(matches!(none, Err(ChannelError::NoChannel(_))));
    node.shutdown().await;
    without.shutdown().await;
}
