//! What people ask of their inbox, through server functions. Each asks for the caller's own: another's cannot be named.

use crate::{
    protocol::{
        ErrorCode, InboxChange, InboxCursor, InboxFilter, InboxPage, InboxRoom, Mark,
        NotificationId, Preference, PreferenceChange, Preferences, ProtocolError, Room, User,
        UserId,
    },
    server::{
        Realtime,
        clock::unix_millis,
        context::{page_handshake, realtime},
        store::{StoreError, Which},
    },
    server_fns::{InboxView, MAX_MARKED, MAX_NOTIFICATIONS},
};

/// The greatest length of the name of a kind or a community, in bytes.
const MAX_NAME: usize = 64;

/// Whether the caller changes something.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum Does {
    Look,
    Change,
}

/// Who asks, and the module that is asked.
pub(in crate::server) async fn caller(does: Does) -> Result<(Realtime, UserId), ProtocolError> {
    signed_in(does)
        .await
        .map(|(realtime, user)| (realtime, user.id))
}

/// The same with the caller's name.
pub(in crate::server) async fn signed_in(does: Does) -> Result<(Realtime, User), ProtocolError> {
    // While routes are listed there is none.
    let realtime = realtime().ok_or_else(nothing_kept)?;
    let handshake = page_handshake();
    if does == Does::Change && !realtime.0.gateway.is_own_page(&handshake.parts().headers) {
        let sentence = "this origin may not do that: add it to REALTIME_ALLOWED_ORIGINS";
        return Err(ProtocolError::new(ErrorCode::OriginDenied, sentence));
    }
    let known = realtime.0.gateway.know(handshake).await?;
    let user = known.user.ok_or_else(|| {
        ProtocolError::new(ErrorCode::Unauthorized, "sign in to see your notifications")
    })?;
    Ok((realtime, user))
}

/// The same, where the page that asks may be somebody else's: they signed in in another tab since.
async fn caller_as(does: Does, user: Option<UserId>) -> Result<(Realtime, UserId), ProtocolError> {
    let (realtime, caller) = caller(does).await?;
    if user.is_some_and(|user| user != caller) {
        let sentence = "you are signed in as somebody else now: load the page again";
        return Err(ProtocolError::new(ErrorCode::Unauthorized, sentence));
    }
    Ok((realtime, caller))
}

fn nothing_kept() -> ProtocolError {
    let sentence = "notifications are not kept here: the module has no database";
    ProtocolError::new(ErrorCode::Unavailable, sentence)
}

/// Whether it can be a kind's or a community's name.
fn named(name: &Option<String>) -> Result<(), ProtocolError> {
    let code = match name {
        Some(name) if name.len() > MAX_NAME => ErrorCode::TooLarge,
        Some(name) if name.contains(char::is_control) => ErrorCode::BadRequest,
        _ => return Ok(()),
    };
    let sentence =
        format!("a kind and a community have at most {MAX_NAME} bytes, without control characters");
    Err(ProtocolError::new(code, sentence))
}

fn away(error: StoreError) -> ProtocolError {
    tracing::warn!(%error, source = ?std::error::Error::source(&error), "an inbox cannot be read or written");
    let sentence = "notifications cannot be read or changed right now: try again in a moment";
    ProtocolError::new(ErrorCode::Unavailable, sentence)
}

/// Where a page begins: the first notifications, and the position in the person's room from which to listen.
pub(crate) async fn view() -> Result<Option<InboxView>, ProtocolError> {
    let (realtime, user) = match caller(Does::Look).await {
        Ok(caller) => caller,
        Err(error) if error.code == ErrorCode::Unauthorized => return Ok(None),
        Err(error) => return Err(error),
    };
    let (inboxes, _) = realtime.inboxes().ok_or_else(nothing_kept)?;
    // First the position, then the data: what the data lacks comes after the position.
    let room = InboxRoom(user.clone()).room_id();
    let position = realtime.0.hub.first_view(&room).await.ok();
    let position = position.map(|view| view.position);
    let filter = InboxFilter::default();
    let page = inboxes.page(&user, &filter, None, u32::from(MAX_NOTIFICATIONS));
    let page = page.await.map_err(away)?;
    Ok(Some(InboxView {
        user,
        position,
        page,
    }))
}

pub(crate) async fn page(
    filter: InboxFilter,
    before: Option<InboxCursor>,
    most: u16,
    user: Option<UserId>,
) -> Result<InboxPage, ProtocolError> {
    let (realtime, user) = caller_as(Does::Look, user).await?;
    named(&filter.kind)?;
    named(&filter.community)?;
    let (inboxes, _) = realtime.inboxes().ok_or_else(nothing_kept)?;
    let most = match most {
        0 => MAX_NOTIFICATIONS,
        most => most.min(MAX_NOTIFICATIONS),
    };
    let page = inboxes.page(&user, &filter, before, u32::from(most)).await;
    page.map_err(away)
}

pub(crate) async fn changes(
    after: u64,
    user: Option<UserId>,
) -> Result<InboxChange, ProtocolError> {
    let (realtime, user) = caller_as(Does::Look, user).await?;
    let (inboxes, _) = realtime.inboxes().ok_or_else(nothing_kept)?;
    inboxes.changes(&user, after).await.map_err(away)
}

pub(crate) async fn mark(
    ids: Vec<NotificationId>,
    mark: Mark,
    user: Option<UserId>,
) -> Result<InboxChange, ProtocolError> {
    if ids.len() > MAX_MARKED {
        let sentence = format!("at most {MAX_MARKED} notifications at once");
        return Err(ProtocolError::new(ErrorCode::TooLarge, sentence));
    }
    put(Which::These(ids, mark), user).await
}

pub(crate) async fn mark_all_read(
    up_to: u64,
    user: Option<UserId>,
) -> Result<InboxChange, ProtocolError> {
    put(Which::AllRead(up_to), user).await
}

async fn put(which: Which, user: Option<UserId>) -> Result<InboxChange, ProtocolError> {
    let (realtime, user) = caller_as(Does::Change, user).await?;
    let (inboxes, outbox) = realtime.inboxes().ok_or_else(nothing_kept)?;
    let marked = inboxes.mark(&user, &which, unix_millis()).await;
    let (change, written) = marked.map_err(away)?;
    outbox.written(written);
    Ok(change)
}

pub(crate) async fn preferences() -> Result<Preferences, ProtocolError> {
    let (realtime, user) = caller(Does::Look).await?;
    said(&realtime, &user).await
}

async fn said(realtime: &Realtime, user: &UserId) -> Result<Preferences, ProtocolError> {
    let (inboxes, _) = realtime.inboxes().ok_or_else(nothing_kept)?;
    let mut said = inboxes.preferences(user).await.map_err(away)?;
    let now = unix_millis();
    for one in &mut said.0 {
        // What is over is not told.
        one.muted_until.take_if(|until| *until <= now);
    }
    said.0.retain(Preference::says_something);
    Ok(said)
}

pub(crate) async fn prefer(
    kind: Option<String>,
    community: Option<String>,
    enabled: Option<bool>,
    user: Option<UserId>,
) -> Result<Preferences, ProtocolError> {
    change_preference(kind, community, PreferenceChange::Enabled(enabled), user).await
}

pub(crate) async fn mute(
    kind: Option<String>,
    community: Option<String>,
    minutes: Option<u32>,
    user: Option<UserId>,
) -> Result<Preferences, ProtocolError> {
    let minutes = minutes.filter(|minutes| *minutes > 0);
    let until = minutes.map(|minutes| unix_millis() + u64::from(minutes) * 60_000);
    change_preference(kind, community, PreferenceChange::MutedUntil(until), user).await
}

async fn change_preference(
    kind: Option<String>,
    community: Option<String>,
    change: PreferenceChange,
    user: Option<UserId>,
) -> Result<Preferences, ProtocolError> {
    let (realtime, user) = caller_as(Does::Change, user).await?;
    let (inboxes, _) = realtime.inboxes().ok_or_else(nothing_kept)?;
    named(&kind)?;
    named(&community)?;
    let room = inboxes
        .prefer(&user, kind.as_deref(), community.as_deref(), change)
        .await;
    if !room.map_err(away)? {
        let sentence = "there are too many preferences: remove some";
        return Err(ProtocolError::new(ErrorCode::LimitExceeded, sentence));
    }
    said(&realtime, &user).await
}
