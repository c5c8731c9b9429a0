//! State machines without I/O, clock or randomness of their own: they are given times and random numbers, and return
//! what to send and what to show. So the same code runs in the browser, on the server and, on virtual time, in tests.
//!
//! On the server a [`replica::Replica`] holds one room: entries and events go in, member-level changes come out as one
//! [`RoomFrame`](crate::protocol::RoomFrame) at a time. In the browser a [`session::Session`] keeps the connection and
//! a [`view::RoomView`] for each room in use.
//!
//! Times are milliseconds from any fixed origin, unless a type says [`UnixMillis`](crate::protocol::UnixMillis).

pub mod backoff;
pub mod builds;
pub mod clock;
pub mod codec;
pub mod inbox;
pub mod liveness;
pub mod log;
pub mod message;
pub mod places;
pub mod replica;
pub mod session;
pub mod view;
pub mod wishes;
