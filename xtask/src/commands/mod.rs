//! The commands, one file each.

pub mod bench;
pub mod build;
pub mod chaos;
pub mod check;
pub mod fuzz;
pub mod run;
pub mod screenshots;
pub mod test;
