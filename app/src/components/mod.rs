//! What several pages show.

mod account;
mod appear_offline;
mod board_list;
mod here;
mod online_dot;
mod states;

pub use account::{Header, provide_account, use_account};
pub use appear_offline::AppearOffline;
pub use board_list::BoardList;
pub use here::{KnownPlace, WhoIsHere};
pub use online_dot::{OnlineDot, Separator, status_name};
pub use states::{PageError, loaded};
