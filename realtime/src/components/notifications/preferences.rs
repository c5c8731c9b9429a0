//! What a person wants to hear of.

use leptos::{prelude::*, server_fn::ServerFn, task::spawn_local};

use super::focus;
use crate::{
    components::TimeAgo,
    core::wishes::{Wish, Wishes},
    hooks::{InboxState, Notifications, untracked},
    protocol::{ErrorCode, PreferenceChange, Preferences, ProtocolError},
    server_fns::{
        MuteNotifications, PreferNotifications, mute_notifications, notification_preferences,
        prefer_notifications,
    },
};

/// For how long can be muted: a name, and minutes.
const MUTES: [(&str, u32); 3] = [("1 hour", 60), ("1 day", 24 * 60), ("1 week", 7 * 24 * 60)];

/// A kind of notifications, or a community, as it is named to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotificationKind {
    /// The kind or the community, as the host's data names it.
    pub id: String,
    /// What people read.
    pub name: String,
}

impl NotificationKind {
    /// A kind or a community, and its name for people.
    #[must_use]
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
        }
    }
}

/// Lets a person say what they want to be told of. Of each kind and each community: on, off, or as everywhere; and muted
/// for a while, which leaves that as it is. Works without JavaScript too.
///
/// ```
/// use leptos::prelude::*;
/// use leptos_realtime::{NotificationKind, NotificationPreferences};
///
/// #[component]
/// fn Settings() -> impl IntoView {
///     view! { <NotificationPreferences kinds=vec![NotificationKind::new("mention", "Mentions of me")]/> }
/// }
/// ```
#[component]
pub fn NotificationPreferences(
    /// The host's kinds.
    kinds: Vec<NotificationKind>,
    /// The person's communities.
    #[prop(optional, into)]
    communities: Signal<Vec<NotificationKind>>,
) -> impl IntoView {
    let said = Resource::new_blocking(|| (), |()| notification_preferences());
    let form = Form {
        all: use_context(),
        said,
        wishes: RwSignal::new(Wishes::default()),
        refused: RwSignal::new(None),
    };
    form.follow();
    let kinds = StoredValue::new(kinds);
    let error = move || form.error().map(|error| error.message);
    let rows = move || {
        let some = move || !communities.with(Vec::is_empty);
        view! {
            <ul>
                <Row name="Everything".to_owned() kind=None community=None form/>
            </ul>
            <h3>"By kind"</h3>
            <ul>
                <For each=move || kinds.get_value() key=|kind| kind.id.clone() let:kind>
                    <Row name=kind.name kind=Some(kind.id) community=None form/>
                </For>
            </ul>
            <Show when=some>
                <h3>"By community"</h3>
                <p class="rt-preferences-help">"A community's setting wins over a kind's."</p>
                <ul>
                    <For each=move || communities.get() key=|community| community.id.clone() let:community>
                        <Row name=community.name kind=None community=Some(community.id) form/>
                    </For>
                </ul>
            </Show>
        }
    };
    view! {
        <div class="rt-preferences">
            <Transition fallback=|| view! { <p role="status">"Loading…"</p> }>
                {Suspend::new(async move {
                    untracked(said.into_future()).await;
                    let known = Memo::new(move |_| form.shown().is_some());
                    view! {
                        <p class="rt-inbox-error" role="alert">{error}</p>
                        <Show when=move || known.get()>{rows()}</Show>
                    }
                })}
            </Transition>
        </div>
    }
    .into_any()
}

/// What the rows share.
#[derive(Clone, Copy)]
struct Form {
    all: Option<Notifications>,
    /// As the page was made, and where the server has to be asked again.
    said: Resource<Result<Preferences, ProtocolError>>,
    wishes: RwSignal<Wishes>,
    /// Why the last thing that was said was taken back.
    refused: RwSignal<Option<ProtocolError>>,
}

impl Form {
    /// What the server says is known from hydration on, and anew for somebody else who signs in.
    fn follow(self) {
        Effect::new(move |_| match self.said.get() {
            Some(Ok(said)) => self.wishes.update(|wishes| wishes.begin(said)),
            Some(Err(error)) if error.code == ErrorCode::Unauthorized => {
                self.wishes.set(Wishes::default());
            }
            _ => {}
        });
        Effect::new(move |was: Option<Option<String>>| {
            let (was, user) = (was.flatten(), self.user());
            if was.is_some() && was != user {
                self.wishes.set(Wishes::default());
                self.refused.set(None);
            }
            // What the page was made with is the first person's, or an error where nobody was signed in. Of nobody there is
            // nothing to ask.
            let is_others = || {
                self.said
                    .with_untracked(|said| matches!(said, Some(Err(_))))
            };
            if user.is_some() && was != user && (was.is_some() || is_others()) {
                self.said.refetch();
            }
            user.or(was)
        });
    }

    /// Whose page it is, where that is known.
    fn user(self) -> Option<String> {
        self.all?.user().map(|user| user.to_string())
    }

    /// What the person wants, as they see it.
    fn shown(self) -> Option<Preferences> {
        if self
            .all
            .is_some_and(|all| all.state() == InboxState::SignedOut)
        {
            return None;
        }
        let said = || self.said.get().and_then(Result::ok);
        self.wishes.with(Wishes::shown).or_else(said)
    }

    fn error(self) -> Option<ProtocolError> {
        let said = || self.said.get().and_then(Result::err);
        // Where nobody is signed in, the page says so.
        let said = || said().filter(|error| error.code != ErrorCode::Unauthorized);
        self.refused.get().or_else(said)
    }

    /// The person says something.
    fn say(self, wish: Wish) {
        self.refused.set(None);
        self.wishes.update(|wishes| wishes.say(wish));
        self.send();
    }

    fn send(self) {
        let wish = self.wishes.try_update_untracked(Wishes::send).flatten();
        let Some(Wish {
            kind,
            community,
            change,
        }) = wish
        else {
            return;
        };
        let user = self.all.and_then(|all| untrack(|| all.user()));
        spawn_local(async move {
            let of = user.clone();
            let answer = match change {
                PreferenceChange::Enabled(enabled) => {
                    prefer_notifications(kind, community, enabled, of).await
                }
                PreferenceChange::MutedUntil(until) => {
                    let minutes = until.map(|until| minutes_until(until, now()));
                    mute_notifications(kind, community, minutes, of).await
                }
            };
            if user.is_some() && self.all.and_then(|all| untrack(|| all.user())) != user {
                // Another person's page by now.
                return;
            }
            let said = match answer {
                Ok(said) => Some(said),
                Err(error) => {
                    if let Some(all) = self.all.filter(|_| error.code == ErrorCode::Unauthorized) {
                        all.first.refetch();
                    }
                    self.refused.try_set(Some(error));
                    // Nobody knows what the server has.
                    self.said.refetch();
                    None
                }
            };
            self.wishes.try_update(|wishes| wishes.answered(said));
            self.send();
        });
    }
}

/// For how many minutes a mute is, rounded.
fn minutes_until(until: u64, now: u64) -> u32 {
    u32::try_from((until.saturating_sub(now) + 30_000) / 60_000).unwrap_or(u32::MAX)
}

#[cfg(all(target_arch = "wasm32", feature = "hydrate"))]
fn now() -> u64 {
    js_sys::Date::now() as u64
}

#[cfg(not(all(target_arch = "wasm32", feature = "hydrate")))]
fn now() -> u64 {
    0
}

/// What can be said of one thing: each button sends a form.
#[component]
fn Row(name: String, kind: Option<String>, community: Option<String>, form: Form) -> impl IntoView {
    let is_everything = kind.is_none() && community.is_none();
    let of = StoredValue::new((kind.clone(), community.clone()));
    let now_said = Memo::new(move |_| {
        let said = form.shown().unwrap_or_default();
        let (kind, community) = of.get_value();
        let (kind, community) = (kind.as_deref(), community.as_deref());
        let one = said.said(kind, community);
        (
            one.enabled,
            said.inherited(kind, community),
            one.muted_until,
        )
    });
    let enabled = Memo::new(move |_| now_said.get().0);
    let inherited = Memo::new(move |_| now_said.get().1);
    let muted = Memo::new(move |_| now_said.get().2);
    let say = move |change| {
        let (kind, community) = of.get_value();
        form.say(Wish {
            kind,
            community,
            change,
        });
    };
    let choice = move |label: &'static str, value: &'static str, says: Option<bool>| {
        // Of everything nothing is wider: nothing said is on.
        let pressed = move || {
            enabled.get() == says || is_everything && says.is_none() && enabled.get() == Some(true)
        };
        view! {
            <button
                type="submit"
                class="rt-button"
                name="enabled"
                value=value
                aria-pressed=move || pressed().to_string()
                on:click=move |click| {
                    click.prevent_default();
                    say(PreferenceChange::Enabled(says));
                }
            >
                {label}
            </button>
        }
    };
    let mute = move |label: String, minutes: u32| {
        view! {
            <button
                type="submit"
                class="rt-button"
                name="minutes"
                value=minutes.to_string()
                on:click=move |click| {
                    click.prevent_default();
                    let until = now() + u64::from(minutes) * 60_000;
                    say(PreferenceChange::MutedUntil((minutes > 0).then_some(until)));
                    focus::fold(&click);
                }
            >
                {label}
            </button>
        }
    };
    let hidden = move || {
        let (kind, community) = of.get_value();
        view! {
            <input type="hidden" name="kind" value=kind.unwrap_or_default()/>
            <input type="hidden" name="community" value=community.unwrap_or_default()/>
            <input type="hidden" name="user" value=move || form.user()/>
        }
    };
    let wider = (!is_everything).then(|| choice("As everywhere", "", None));
    let on = if is_everything {
        ("", None)
    } else {
        ("true", Some(true))
    };
    let mutes = MUTES.map(|(label, minutes)| mute(format!("For {label}"), minutes));
    let as_everywhere = move || {
        let on_or_off = if inherited.get() { "on" } else { "off" };
        let said = is_everything || enabled.get().is_some();
        (!said).then(|| view! { <span>{on_or_off} ", as everywhere"</span> })
    };
    view! {
        <li>
            <div class="rt-preference" role="group" aria-label=name.clone()>
                <span class="rt-preference-name" dir="auto">
                    {name.clone()}
                    <small class="rt-preference-now">
                        {as_everywhere}
                        {move || muted.get().map(|until| view! { <span>"muted, ends " <TimeAgo at=until/></span> })}
                    </small>
                </span>
                <form class="rt-preference-choices" method="post" action=PreferNotifications::url()>
                    {hidden()} {wider} {choice("On", on.0, on.1)} {choice("Off", "false", Some(false))}
                </form>
                <details class="rt-preference-mute" on:keydown=move |key| focus::fold_by_escape(&key)>
                    <summary aria-label=format!("Mute {name} for a while")>"Mute…"</summary>
                    <form method="post" action=MuteNotifications::url()>
                        {hidden()} {mutes.into_iter().collect_view()}
                        <Show when=move || muted.get().is_some()>{mute("Not any more".to_owned(), 0)}</Show>
                    </form>
                </details>
            </div>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mute_takes_as_many_minutes_as_were_chosen() {
        for (_, minutes) in MUTES {
            let until = 1_000 + u64::from(minutes) * 60_000;
            assert_eq!(minutes_until(until, 1_000 + 900), minutes);
        }
        assert_eq!(minutes_until(0, 1_000), 0);
    }
}
