//! An address that leads nowhere.

use leptos::prelude::*;

use crate::{api::ApiError, components::PageError};

#[component]
pub fn NotFound() -> impl IntoView {
    view! { <PageError error=ApiError::NotFound retry=|| ()/> }
}
