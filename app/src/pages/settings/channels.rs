//! Where else the person's notifications reach them.

use leptos::prelude::*;
use leptos_realtime::{LinkedChannel, TimeAgo};

use crate::{
    api::{LinkChannel, UnlinkChannel, my_channels},
    components::use_account,
    pages::sign_in::refusal,
};

/// The site's channels, where it has some.
#[component]
pub(super) fn Channels() -> impl IntoView {
    let account = use_account();
    let (link, unlink) = (
        ServerAction::<LinkChannel>::new(),
        ServerAction::<UnlinkChannel>::new(),
    );
    let channels = Resource::new(
        move || (account.changes.get(), unlink.version().get()),
        |_| my_channels(),
    );
    let error = move || refusal(link.value()).or_else(|| refusal(unlink.value()));
    let shown = move || {
        Suspend::new(async move {
            let channels = channels.await.unwrap_or_default();
            (!channels.is_empty()).then(|| {
                let lines = channels
                    .into_iter()
                    .map(|channel| view! { <Line channel link unlink/> })
                    .collect_view();
                view! {
                    <section class="channels" aria-labelledby="channels">
                        <h2 id="channels">"Where else I hear of it"</h2>
                        <ul class="entries">{lines}</ul>
                        <p class="error" role="alert">{error}</p>
                    </section>
                }
            })
        })
    };
    view! { <Transition>{shown}</Transition> }
}

#[component]
fn Line(
    channel: LinkedChannel,
    link: ServerAction<LinkChannel>,
    unlink: ServerAction<UnlinkChannel>,
) -> impl IntoView {
    let name = match channel.channel.as_str() {
        "telegram" => "Telegram".to_owned(),
        "email" => "E-mail".to_owned(),
        other => other.to_owned(),
    };
    let problem = channel.problem.map(|problem| {
        view! { <p class="error">"Nothing can be sent there any more: " {problem}</p> }
    });
    let heading = name.clone();
    let form = match channel.linked {
        Some(since) => view! {
            <p class="meta">"linked since " <TimeAgo at=since/></p>
            <ActionForm action=unlink>
                <input type="hidden" name="channel" value=channel.channel/>
                <button class="quiet" type="submit">{format!("Unlink {name}")}</button>
            </ActionForm>
        }
        .into_any(),
        None => view! {
            <p class="meta">"What you have not seen here comes there as a message."</p>
            <ActionForm action=link>
                <input type="hidden" name="channel" value=channel.channel/>
                <button class="button" type="submit">{format!("Link {name}")}</button>
            </ActionForm>
        }
        .into_any(),
    };
    view! {
        <li class="entry">
            <h3>{heading}</h3>
            {problem}
            {form}
        </li>
    }
}
