//! What operators see of the instances: what each of them says of itself, and what a page makes of it.
//!
//! ```text
//! each instance, every 2 s while somebody is in the room ──NodeReport──► Nodes ──► rates, a history, sentences
//! ```
//!
//! Nothing here does I/O or has a clock: the page says when something was heard.

mod nodes;
mod report;
mod sparkline;
mod words;

use leptos_realtime::FirstView;
use serde::{Deserialize, Serialize};

pub use nodes::{Node, Nodes, Rates, Sample, Standing};
#[cfg(feature = "ssr")]
pub(crate) use report::MAX_NAME;
pub use report::{Counts, Link, Load, NodeReport, NodeStatus, RedisReport, RedisServers};
pub use sparkline::Sparkline;
pub use words::{bytes, concerns, count, milliseconds, rate, span};

/// How often an instance speaks, in milliseconds.
pub const EVERY: u64 = 2_000;

/// What the operator page begins with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OperatorsPage {
    /// Of the operators' room; nothing where that cannot be told right now.
    pub view: Option<FirstView>,
    /// The instance that answered.
    pub own: NodeReport,
    /// The instances that it knows of, itself among them.
    pub known: Vec<KnownNode>,
}

/// An instance, as another one knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownNode {
    /// One life of it: new with each start.
    pub run: String,
    /// What it is called, by its platform or machine.
    pub name: String,
    /// Whether it is about to end, in good order.
    pub leaving: bool,
}
