//! The real gateway, hub and broker over in-memory streams, one file for each line of the contract that holds on one
//! instance, and beside them what people do together and what becomes of bad input.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, reason = "tests")]

mod announcements;
mod bad_input;
mod c10_cluster;
mod c10_isolation;
mod c11_recovery;
mod c12_bounds;
mod c1_order;
mod c2_first_view;
mod c3_convergence;
mod c5_no_false_leaves;
mod c8_slow_reader;
mod drain;
mod figures;
mod large_rooms;
mod publishing;
mod sign_in;
mod slow;
mod status;
mod support;
mod together;
