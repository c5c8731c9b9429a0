//! Whether the person here hides.

use leptos::prelude::*;

use super::RealtimeContext;
use crate::core::session::Answer;

/// What [`use_status`] returns.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct UseStatusReturn {
    /// Whether the person hides from everybody else, on all their devices.
    pub invisible: Signal<bool>,
    /// Hides the person, or shows them again.
    pub set_invisible: Action<bool, Answer>,
}

/// Whether the person here hides from everybody else, and a way to change it.
///
/// ## Usage
/// ```
/// use leptos::prelude::*;
/// use leptos_realtime::use_status;
///
/// #[component]
/// fn Hide() -> impl IntoView {
///     let status = use_status();
///     view! {
///         <button aria-pressed=move || status.invisible.get().to_string()
///             on:click=move |_| { status.set_invisible.dispatch(!status.invisible.get_untracked()); }>
///             "Appear offline"
///         </button>
///     }
/// }
/// ```
///
/// ## Server-side rendering
/// Nobody hides, and what is asked for is lost.
pub fn use_status() -> UseStatusReturn {
    let context = use_context::<RealtimeContext>();
    #[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
    if let Some(context) = context {
        let client = context.client.clone();
        return UseStatusReturn {
            invisible: context.client.invisible().into(),
            set_invisible: Action::new_local(move |invisible: &bool| {
                let (client, invisible) = (client.clone(), *invisible);
                async move { client.set_invisible(invisible).await }
            }),
        };
    }
    let _ = context;
    UseStatusReturn {
        invisible: Signal::stored(false),
        set_invisible: Action::new(|_: &bool| async { Answer::Lost }),
    }
}
