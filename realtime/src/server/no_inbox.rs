//! What people ask of their inbox, where the module was built without a database.

use crate::{
    protocol::{
        ErrorCode, InboxChange, InboxCursor, InboxFilter, InboxPage, Mark, NotificationId,
        Preference, Preferences, ProtocolError,
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
) -> Result<InboxPage, ProtocolError> {
    nothing_kept()
}

pub(crate) async fn changes(_: u64) -> Result<InboxChange, ProtocolError> {
    nothing_kept()
}

pub(crate) async fn mark(_: Vec<NotificationId>, _: Mark) -> Result<InboxChange, ProtocolError> {
    nothing_kept()
}

pub(crate) async fn mark_all_read(_: u64) -> Result<InboxChange, ProtocolError> {
    nothing_kept()
}

pub(crate) async fn preferences() -> Result<Preferences, ProtocolError> {
    nothing_kept()
}

pub(crate) async fn prefer(_: Preference, _: Option<u32>) -> Result<(), ProtocolError> {
    nothing_kept()
}
