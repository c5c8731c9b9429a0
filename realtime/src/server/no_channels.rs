//! What people ask of their channels, where the module was built without a database.

use crate::protocol::{ErrorCode, LinkCode, LinkedChannel, ProtocolError};

fn none<T>() -> Result<T, ProtocolError> {
    let sentence = "there are no channels here: the module was built without a database";
    Err(ProtocolError::new(ErrorCode::Unavailable, sentence))
}

pub(crate) async fn linked_channels() -> Result<Vec<LinkedChannel>, ProtocolError> {
    none()
}

pub(crate) async fn link_channel(_: &str) -> Result<LinkCode, ProtocolError> {
    none()
}

pub(crate) async fn unlink_channel(_: &str) -> Result<(), ProtocolError> {
    none()
}
