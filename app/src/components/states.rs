//! What a page shows while it loads, and when it cannot.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_realtime::{ConnectionState, use_connection};
use leptos_router::hooks::use_location;
use serde::{Serialize, de::DeserializeOwned};

use crate::api::ApiError;

/// The shape of a page that is on its way.
#[component]
pub fn Skeleton() -> impl IntoView {
    view! {
        <div class="skeleton" role="status" aria-busy="true" aria-label="Loading">
            <span></span><span></span><span></span>
        </div>
    }
}

/// Shows a page's data once it is there, and why it is not.
pub fn loaded<T, V>(
    data: Resource<Result<T, ApiError>>,
    show: impl Fn(T) -> V + Clone + Send + Sync + 'static,
) -> impl IntoView
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    V: IntoView + 'static,
{
    let shown = move || {
        let show = show.clone();
        Suspend::new(async move {
            match data.await {
                Ok(loaded) => show(loaded).into_any(),
                Err(error) => view! { <PageError error retry=move || data.refetch()/> }.into_any(),
            }
        })
    };
    view! { <Transition fallback=Skeleton>{shown}</Transition> }
}

/// Why a page cannot be shown, and what to do.
#[component]
pub fn PageError(
    error: ApiError,
    retry: impl Fn() + Clone + 'static,
    /// Whom the page is for, where that is not everybody who is signed in.
    #[prop(optional)]
    only_for: Option<&'static str>,
) -> impl IntoView {
    #[cfg(feature = "ssr")]
    crate::backend::set_status(&error);
    let passing = matches!(error, ApiError::Internal(_));
    // What failed on the way is tried again as soon as there is one.
    let connection = use_connection();
    let live = Memo::new(move |_| connection.state.get() == ConnectionState::Live);
    let again = retry.clone();
    Effect::new(move |was: Option<bool>| {
        let now = live.get();
        if passing && was == Some(false) && now {
            again();
        }
        now
    });
    let sign_in = (error == ApiError::SignIn).then(|| {
        let path = use_location().pathname.get_untracked();
        format!("/sign-in?next={path}")
    });
    let (title, heading, more) = match &error {
        ApiError::Internal(_) => (
            "Did not load",
            "This page did not load.".to_owned(),
            Some("Something went wrong on our side. Please try again in a moment."),
        ),
        ApiError::NotFound => (
            "Not here",
            error.to_string(),
            Some("It may have moved, or been deleted."),
        ),
        ApiError::SignIn => ("Not for you", error.to_string(), only_for),
        _ => ("Not for you", error.to_string(), None),
    };
    view! {
        <Title text=title/>
        <section class="notice">
            <h1>{heading}</h1>
            {more.map(|more| view! { <p>{more}</p> })}
            {sign_in.map(|href| view! { <p><a class="button" href=href>"Sign in"</a></p> })}
            <p>
                {passing.then(|| view! { <button type="button" on:click=move |_| retry()>"Try again"</button> " " })}
                <a href="/">"To the communities"</a>
            </p>
        </section>
    }
}
