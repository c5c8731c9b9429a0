//! What several pages show.

mod account;
mod appear_offline;
mod board_list;
mod draft;
mod here;
mod meta;
mod online_dot;
mod states;
mod votes;
mod written;

pub use account::{Header, provide_account, use_account};
pub use appear_offline::AppearOffline;
pub use board_list::BoardList;
pub use draft::Draft;
pub use here::{KnownPlace, WhoIsHere};
pub use meta::About;
pub use online_dot::{OnlineDot, Separator, status_name};
pub use states::{PageError, loaded};
pub use votes::Votes;
pub use written::{Edited, Opener, Written, comments_in_words};
