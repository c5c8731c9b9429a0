//! What the two larger targets are made of: small worlds in which a text is a script, and in which something must hold
//! whatever happens.
//!
//! A script is a text of short [steps](letters), so that a finding can be read, shortened and kept.
//!
//! - [`session`]: a client's session and a server of sorts. `aaS H l1 k0 E03` uses room 0 twice, starts, shakes hands,
//!   listens to room 1, carries out the session's next command, and publishes three events in room 0.
//! - [`replica`]: a server's replica of a room, kept by messages of which some are lost, and shown to two people.
//!   `p011 f t11 x e1 R f` lets a person come and type, loses a message, tells of an event, and reads the room again.

pub mod letters;
pub mod people;
pub mod replica;
pub mod said;
pub mod session;
