//! What a page shows, each component in a file with its styles beside it in `style/`.
//!
//! The styles are served with the module's routes; [`RealtimeStyles`] links them. They read `--rt-*` custom
//! properties, all with defaults (see `style/tokens.css`), and look right in a page that sets none.

mod avatar;
mod connection_badge;
mod notifications;
mod presence_avatars;
mod time_ago;
mod typing_indicator;
mod with_first_view;

pub use avatar::Avatar;
pub use connection_badge::ConnectionBadge;
use leptos::prelude::*;
pub use notifications::{
    NotificationBell, NotificationInbox, NotificationKind, NotificationPreferences,
    NotificationToasts,
};
pub use presence_avatars::PresenceAvatars;
pub use time_ago::TimeAgo;
pub use typing_indicator::TypingIndicator;
pub use with_first_view::WithFirstView;

use crate::protocol::BuildId;

/// The styles of all components.
#[cfg(feature = "ssr")]
pub(crate) const STYLES: &str = concat!(
    include_str!("../../style/tokens.css"),
    include_str!("../../style/avatar.css"),
    include_str!("../../style/typing_indicator.css"),
    include_str!("../../style/connection_badge.css"),
    include_str!("../../style/visually_hidden.css"),
    include_str!("../../style/notification_bell.css"),
    include_str!("../../style/notification_button.css"),
    include_str!("../../style/notification_inbox.css"),
    include_str!("../../style/notification_toasts.css"),
    include_str!("../../style/notification_preferences.css"),
);

/// Links the components' styles, and says of which [build](crate::RealtimeConfig::build) the page is, so that a page that
/// stays open longer than its server knows it: once, in the `<head>` of the host's shell.
#[component]
pub fn RealtimeStyles(
    /// The path of `RealtimeConfig`, where the host changed it.
    #[prop(default = "/realtime")]
    path: &'static str,
) -> impl IntoView {
    view! {
        <link rel="stylesheet" href=format!("{path}/style.css?v={}", env!("CARGO_PKG_VERSION"))/>
        {build().map(|build| view! { <meta name=BuildId::META content=build.as_str().to_owned()/> })}
    }
}

/// The build of the server that writes the page.
fn build() -> Option<BuildId> {
    #[cfg(feature = "ssr")]
    let build = crate::server::page_build();
    #[cfg(not(feature = "ssr"))]
    let build = None;
    build
}
