//! The pages.

mod board;
mod community;
mod home;
mod inbox;
mod not_found;
mod settings;
mod sign_in;

pub use board::BoardPage;
pub use community::CommunityPage;
pub use home::HomePage;
pub use inbox::InboxPage;
pub use not_found::NotFound;
pub use settings::SettingsPage;
pub use sign_in::SignInPage;

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

/// A part of the address.
fn use_param(name: &'static str) -> Memo<String> {
    let params = use_params_map();
    Memo::new(move |_| params.with(|params| params.get(name).unwrap_or_default()))
}
