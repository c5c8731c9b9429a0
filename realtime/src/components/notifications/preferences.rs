//! What a person wants to hear of.

use leptos::prelude::*;

use crate::{
    components::TimeAgo,
    protocol::{ErrorCode, Preference, Preferences},
    server_fns::{PreferNotifications, notification_preferences},
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

/// Lets a person say what they want to be told of: each kind, and each community, on, off or muted for a while. Works
/// without JavaScript too.
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
    let prefer = ServerAction::<PreferNotifications>::new();
    let said = Resource::new_blocking(
        move || prefer.version().get(),
        |_| notification_preferences(),
    );
    let error = move || {
        prefer
            .value()
            .get()
            .and_then(Result::err)
            .map(|error| error.message)
    };
    let rows = move || {
        let (kinds, communities) = (kinds.clone(), communities.get());
        Suspend::new(async move {
            match said.await {
                Ok(said) => {
                    let of_kind = |kind: NotificationKind| {
                        let fits = |one: &Preference| {
                            one.community.is_none() && one.kind.as_ref() == Some(&kind.id)
                        };
                        let now = find(&said, fits);
                        view! { <Row name=kind.name kind=kind.id community=String::new() now prefer/> }
                    };
                    let of_community = |community: NotificationKind| {
                        let fits = |one: &Preference| {
                            one.kind.is_none() && one.community.as_ref() == Some(&community.id)
                        };
                        let now = find(&said, fits);
                        view! { <Row name=community.name kind=String::new() community=community.id now prefer/> }
                    };
                    let everything =
                        find(&said, |one| one.kind.is_none() && one.community.is_none());
                    let by_community = (!communities.is_empty()).then(|| {
                        view! {
                            <h3>"By community"</h3>
                            <ul>{communities.into_iter().map(of_community).collect_view()}</ul>
                        }
                    });
                    view! {
                        <ul>
                            <Row name="Everything".to_owned() kind=String::new() community=String::new() now=everything prefer/>
                        </ul>
                        <h3>"By kind"</h3>
                        <ul>{kinds.into_iter().map(of_kind).collect_view()}</ul>
                        {by_community}
                    }
                    .into_any()
                }
                // The page says so.
                Err(error) if error.code == ErrorCode::Unauthorized => ().into_any(),
                Err(error) => view! { <p role="alert">{error.message}</p> }.into_any(),
            }
        })
    };
    view! {
        <div class="rt-preferences">
            <p class="rt-inbox-error" role="alert">{error}</p>
            <Transition fallback=|| view! { <p aria-busy="true">"Loading…"</p> }>{rows}</Transition>
        </div>
    }
    .into_any()
}

fn find(said: &Preferences, fits: impl Fn(&Preference) -> bool) -> Preference {
    said.0
        .iter()
        .find(|one| fits(one))
        .cloned()
        .unwrap_or_default()
}

/// What can be said of one thing: each button is a form.
#[component]
fn Row(
    name: String,
    kind: String,
    community: String,
    now: Preference,
    prefer: ServerAction<PreferNotifications>,
) -> impl IntoView {
    let is_on = now.enabled != Some(false);
    let muted = now.muted_until;
    let of = StoredValue::new((kind, community));
    let mutes = MUTES.map(|(label, minutes)| {
        view! { <Choice label=format!("For {label}") of enabled=is_on mute=Some(minutes) pressed=false prefer/> }
    });
    view! {
        <li class="rt-preference" role="group" aria-label=name.clone()>
            <span class="rt-preference-name" dir="auto">{name.clone()}</span>
            <Choice label="On".to_owned() of enabled=true mute=None pressed=is_on && muted.is_none() prefer/>
            <Choice label="Off".to_owned() of enabled=false mute=None pressed=!is_on prefer/>
            <details class="rt-preference-mute">
                <summary aria-label=format!("Mute {name} for a while")>"Mute…"</summary>
                <div>{mutes.into_iter().collect_view()}</div>
            </details>
            {muted.map(|until| view! { <span class="rt-preference-muted">"muted, " <TimeAgo at=until/></span> })}
        </li>
    }
}

#[component]
fn Choice(
    label: String,
    /// The kind and the community.
    of: StoredValue<(String, String)>,
    enabled: bool,
    mute: Option<u32>,
    pressed: bool,
    prefer: ServerAction<PreferNotifications>,
) -> impl IntoView {
    let (kind, community) = of.get_value();
    let mute = mute.map(|minutes| {
        view! { <input type="hidden" name="mute_minutes" value=minutes.to_string()/> }
    });
    view! {
        <ActionForm action=prefer>
            <input type="hidden" name="kind" value=kind/>
            <input type="hidden" name="community" value=community/>
            <input type="hidden" name="enabled" value=enabled.to_string()/>
            {mute}
            <button type="submit" aria-pressed=pressed.to_string()>{label}</button>
        </ActionForm>
    }
}
