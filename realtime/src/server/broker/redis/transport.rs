//! What the broker needs of a Redis: scripts, and channels. One implementation is a connection to a real one; the other
//! stands in for it in simulations.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use redis::Value;

use super::script::Script;

/// Why a command was not carried out, or may or may not have been.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct LinkError {
    pub(crate) text: String,
    /// Whether the link is no good any more.
    pub(crate) is_lost: bool,
}

impl LinkError {
    pub(crate) fn lost(text: String) -> Self {
        Self {
            text,
            is_lost: true,
        }
    }
}

/// What comes unasked.
pub(crate) enum Push<'a> {
    /// A message on a channel.
    Message {
        /// The channel's name.
        channel: &'a str,
        /// What was published.
        payload: &'a [u8],
    },
    /// The connection is lost, or may have lost messages.
    Lost,
}

/// What takes it: called in order, must not wait.
pub(crate) type Sink = Arc<dyn Fn(Push<'_>) + Send + Sync>;

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To run scripts.
    Commands,
    /// To listen.
    Messages,
}

/// Makes links.
#[async_trait]
pub(crate) trait Transport: Send + Sync + 'static {
    /// Makes a fresh one.
    async fn open(&self, purpose: Purpose, sink: Sink) -> Result<Arc<dyn Link>, LinkError>;
}

/// A connection to Redis. Once lost it stays lost.
#[async_trait]
pub(crate) trait Link: Send + Sync + fmt::Debug {
    /// Runs a script; its keys are of one slot.
    async fn run(
        &self,
        script: &'static Script,
        keys: &[String],
        args: &[&[u8]],
    ) -> Result<Value, LinkError>;

    /// Publishes to a channel.
    async fn publish(&self, channel: &str, payload: &[u8]) -> Result<(), LinkError>;

    /// Listens to channels, and returns when that is confirmed.
    async fn subscribe(&self, channels: &[String]) -> Result<(), LinkError>;

    /// Listens to them no longer.
    async fn unsubscribe(&self, channels: &[String]) -> Result<(), LinkError>;

    /// Waits for an answer.
    async fn ping(&self) -> Result<(), LinkError> {
        Ok(())
    }

    /// What the servers say of themselves, each with its address where there are several.
    async fn info(&self) -> Result<Vec<(Option<String>, String)>, LinkError> {
        Ok(Vec::new())
    }

    /// What Redis does when its memory is full, where it says so.
    async fn eviction_policy(&self) -> Option<String> {
        None
    }

    /// Whether it is a Cluster: channels are sharded, and keys of different rooms cannot be used together.
    fn is_cluster(&self) -> bool;
}
