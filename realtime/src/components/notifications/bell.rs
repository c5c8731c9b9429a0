//! The bell with the unread count.

use leptos::prelude::*;

use crate::hooks::Notifications;

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
        let unread = Memo::new(move |_| all.unread());
        let known = move || all.is_signed_in();
        view! {
            <Show when=known>
                <a class="rt-bell" href=href.get_value() data-unread=move || unread.get().to_string()>
                    <svg viewBox="0 0 24 24" aria-hidden="true">
                        <path d="M6 9a6 6 0 0 1 12 0c0 6 2.5 7.5 2.5 7.5h-17S6 15 6 9Z"/>
                        <path d="M10 19.5a2 2 0 0 0 4 0"/>
                    </svg>
                    <span class="rt-visually-hidden">{move || name(unread.get())}</span>
                    <Show when=move || { unread.get() > 0 }>
                        <span class="rt-bell-count" aria-hidden="true">{move || count(unread.get())}</span>
                    </Show>
                </a>
            </Show>
        }
    };
    view! {
        <Transition fallback=|| view! { <span class="rt-bell" aria-hidden="true"></span> }>
            {Suspend::new(async move {
                let _ = all.first.await;
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

fn name(unread: u32) -> String {
    match unread {
        0 => "Notifications".to_owned(),
        unread => format!("Notifications, {} unread", count(unread)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_are_not_counted_out() {
        assert_eq!((count(99), count(100)), ("99".to_owned(), "99+".to_owned()));
        assert_eq!(name(0), "Notifications");
        assert_eq!(name(100), "Notifications, 99+ unread");
    }
}
