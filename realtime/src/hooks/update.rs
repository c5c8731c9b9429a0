//! Whether there is a newer version of the page.

use leptos::prelude::*;

use super::Command;
#[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
use super::RealtimeContext;
use crate::protocol::BuildId;

/// What [`use_update`] returns.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct UseUpdateReturn {
    /// The server's build, where that is another one than the page's: the page is served as before, and a newer one is
    /// there.
    pub build: Signal<Option<BuildId>>,
    /// Loads the page again. Only ever to be done because the person wants to: what is written and kept nowhere is lost.
    pub reload: Command,
}

/// Whether there is a newer version of the page than the one that is open: the server says of which
/// [build](crate::RealtimeConfig::build) it is, and the page knows its own. [`ConnectionBadge`](crate::ConnectionBadge)
/// shows it as a quiet line; this is for hosts that show it in another way.
///
/// The page knows its own build by what the server wrote into its HTML, where the host has
/// [`RealtimeStyles`](crate::RealtimeStyles) in its `<head>`; otherwise it is taken to be of the build that welcomes it
/// first.
///
/// ## Usage
/// ```
/// use leptos::prelude::*;
/// use leptos_realtime::use_update;
///
/// #[component]
/// fn News() -> impl IntoView {
///     let update = use_update();
///     view! {
///         <Show when=move || update.build.get().is_some()>
///             <button on:click=move |_| update.reload.run(())>"A new version is here"</button>
///         </Show>
///     }
/// }
/// ```
///
/// ## Server-side rendering
/// Nothing is newer.
pub fn use_update() -> UseUpdateReturn {
    #[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
    if let Some(context) = use_context::<RealtimeContext>() {
        let client = StoredValue::new(context.client.clone());
        return UseUpdateReturn {
            build: context.client.update().into(),
            reload: Command::new(move || {
                client.try_with_value(|client| client.reload());
            }),
        };
    }
    UseUpdateReturn {
        build: Signal::stored(None),
        reload: Command::new(|| {}),
    }
}
