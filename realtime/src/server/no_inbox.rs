//! What people ask of their inbox, where the module was built without a database.

use crate::{
    protocol::{
        ErrorCode, InboxChange, InboxCursor, InboxFilter, InboxPage, Mark, NotificationId,
        Preferences, ProtocolError, UserId,
    },
    server_fns::InboxView,
};

fn nothing_kept<T>() -> Result<T, ProtocolError> {
    let sentence = "notifications are not kept here: the module was built without a database";
    Err(ProtocolError::new(ErrorCode::Unavailable, sentence))
}

pub(crate) async fn view() -> Result<Option<InboxView>, ProtocolError> {
    nothing_kept()
}

pub(crate) async fn page(
    _: InboxFilter,
    _: Option<InboxCursor>,
    _: u16,
    _: Option<UserId>,
) -> Result<InboxPage, ProtocolError> {
    nothing_kept()
}

pub(crate) async fn changes(_: u64, _: Option<UserId>) -> Result<InboxChange, ProtocolError> {
    nothing_kept()
}

pub(crate) async fn mark(
    _: Vec<NotificationId>,
    _: Mark,
    _: Option<UserId>,
) -> Result<InboxChange, ProtocolError> {
    nothing_kept()
}

pub(crate) async fn mark_all_read(_: u64, _: Option<UserId>) -> Result<InboxChange, ProtocolError> {
    nothing_kept()
}

pub(crate) async fn preferences() -> Result<Preferences, ProtocolError> {
    nothing_kept()
}

pub(crate) async fn prefer(
    _: Option<String>,
    _: Option<String>,
    _: Option<bool>,
    _: Option<UserId>,
) -> Result<Preferences, ProtocolError> {
    nothing_kept()
}

pub(crate) async fn mute(
    _: Option<String>,
    _: Option<String>,
    _: Option<u32>,
    _: Option<UserId>,
) -> Result<Preferences, ProtocolError> {
    nothing_kept()
}
