//! What several pages show.

mod account;
mod board_list;
mod here;
mod states;
mod time_ago;

pub use account::{Header, provide_account, use_account};
pub use board_list::BoardList;
pub use here::WhoIsHere;
pub use states::{PageError, loaded};
pub use time_ago::TimeAgo;
