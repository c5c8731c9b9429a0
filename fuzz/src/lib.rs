//! A client's session in two rooms, a server of sorts, and what must hold between them whatever happens.
//!
//! A [`script`] is a text of short steps, so that a finding can be read, shortened and kept: `aaS H l1 J0 E03` uses
//! room 0, starts, shakes hands, listens, answers the join and sends three events. Some steps are those of a
//! [`server`] that keeps to the protocol, some send anything. A [`world`] plays them and looks at every output;
//! [`listeners`] knows what each listener was told, and so what it may be told next.

pub mod listeners;
pub mod script;
pub mod server;
pub mod world;
