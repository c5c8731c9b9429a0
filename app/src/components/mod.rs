//! What several pages show.

mod account;
mod again;
mod appear_offline;
mod board_list;
mod draft;
mod here;
mod last_post;
mod meta;
mod online_dot;
mod place;
mod states;
mod votes;
mod written;

pub use account::{Header, provide_account, use_account};
pub use again::keep_asking;
pub use appear_offline::AppearOffline;
pub use board_list::BoardList;
pub use draft::Draft;
pub use here::{KnownPlace, WhoIsHere};
pub use last_post::Last;
pub use meta::About;
pub use online_dot::{OnlineDot, Separator, status_name};
pub use place::keep_place;
pub use states::{PageError, Skeleton, loaded};
pub use votes::Votes;
pub use written::{Edited, Opener, Written, comments_in_words};
