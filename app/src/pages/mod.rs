//! The pages.

mod board;
mod community;
mod home;
mod inbox;
mod manage;
mod not_found;
mod operators;
mod post;
mod settings;
mod sign_in;
mod sign_up;

pub use board::BoardPage;
pub use community::CommunityPage;
pub use home::HomePage;
pub use inbox::InboxPage;
pub use manage::ManagePage;
pub use not_found::NotFound;
pub use operators::OperatorsPage;
pub use post::PostPage;
pub use settings::SettingsPage;
pub use sign_in::SignInPage;
pub use sign_up::SignUpPage;

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

/// A part of the address.
fn use_param(name: &'static str) -> Memo<String> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get(name).unwrap_or_default()))
}

/// A number in the address' query.
fn use_number(name: &'static str) -> Memo<Option<i64>> {
    let query = use_query_map();
    Memo::new(move |_| query.with(|query| query.get(name)?.parse().ok()))
}

/// Where to go after signing in: the query's `next`.
fn use_next() -> Memo<String> {
    let query = use_query_map();
    Memo::new(move |_| query.with(|query| query.get("next").unwrap_or_else(|| "/".to_owned())))
}
