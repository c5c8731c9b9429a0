//! The bell with the unread count.

use leptos::prelude::*;

use crate::hooks::{InboxState, Notifications};

/// More than this is shown as “99+”.
const MAX_SHOWN: u32 = 99;

/// A link to the inbox that says how many notifications are unread: in the first HTML, and as it changes. Nothing where
/// nobody is signed in.
///
/// ```
/// use leptos::prelude::*;
/// use leptos_realtime::NotificationBell;
///
/// #[component]
/// fn Header() -> impl IntoView {
///     view! { <NotificationBell href="/inbox"/> }
/// }
/// ```
#[component]
pub fn NotificationBell(
    /// The page that shows the inbox.
    #[prop(into)]
    href: String,
) -> impl IntoView {
    let Some(all) = use_context::<Notifications>() else {
        return ().into_any();
    };
    let href = StoredValue::new(href);
    let bell = move || {
        // While the inbox cannot be had, nobody knows.
        let unread = Memo::new(move |_| {
            let failed = matches!(all.state(), InboxState::Failed(_));
            (!failed).then(|| all.unread())
        });
        let known = move || all.is_signed_in();
        view! {
            <Show when=known>
                <a class="rt-bell" href=href.get_value() data-unread=move || unread.get().map(|unread| unread.to_string())>
                    <svg viewBox="0 0 24 24" aria-hidden="true">
                        <path d="M6 9a6 6 0 0 1 12 0c0 6 2.5 7.5 2.5 7.5h-17S6 15 6 9Z"/>
                        <path d="M10 19.5a2 2 0 0 0 4 0"/>
                    </svg>
                    <span class="rt-visually-hidden">{move || name(unread.get())}</span>
                    <Show when=move || unread.get().is_some_and(|unread| unread > 0)>
                        <span class="rt-bell-count" aria-hidden="true">{move || unread.get().map(count)}</span>
                    </Show>
                </a>
            </Show>
        }
    };
    view! {
        <Transition fallback=|| view! { <span class="rt-bell" aria-hidden="true"></span> }>
            {Suspend::new(async move {
                all.ready().await;
                bell()
            })}
        </Transition>
    }
    .into_any()
}

fn count(unread: u32) -> String {
    if unread > MAX_SHOWN {
        format!("{MAX_SHOWN}+")
    } else {
        unread.to_string()
    }
}

fn name(unread: Option<u32>) -> String {
    match unread {
        None => "Notifications, which cannot be loaded right now".to_owned(),
        Some(0) => "Notifications".to_owned(),
        Some(unread) => format!("Notifications, {} unread", count(unread)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_are_not_counted_out() {
        assert_eq!((count(99), count(100)), ("99".to_owned(), "99+".to_owned()));
        assert_eq!(name(Some(0)), "Notifications");
        assert!(!name(None).contains("unread"), "nobody knows");
        assert_eq!(name(Some(100)), "Notifications, 99+ unread");
    }
}
