//! Notifications: what a person is told of what concerns them, and the numbered changes of their inbox.

use std::fmt;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{UnixMillis, User};

/// A notification's number, by which its person names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NotificationId(pub i64);

impl fmt::Display for NotificationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a host tells people: usually an enum with a variant for each kind.
///
/// It says what is to be known of it without knowing who reads it. The same type words it in the browser, in the first
/// HTML and in a message to another channel.
///
/// ```
/// use leptos_realtime::{NotificationData, Notification};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// enum Notice {
///     Comment { post: i64, title: String },
/// }
///
/// impl NotificationData for Notice {
///     fn kind(&self) -> &'static str {
///         match self { Self::Comment { .. } => "comment" }
///     }
///     fn subject(&self) -> Option<String> {
///         match self { Self::Comment { post, .. } => Some(format!("post:{post}")) }
///     }
///     fn title(notification: &Notification<Self>) -> String {
///         match &notification.data {
///             Self::Comment { title, .. } => format!("{} commented on “{title}”", notification.who()),
///         }
///     }
///     fn link(notification: &Notification<Self>) -> Option<String> {
///         match &notification.data { Self::Comment { post, .. } => Some(format!("/p/{post}")) }
///     }
/// }
/// ```
pub trait NotificationData:
    Clone + PartialEq + fmt::Debug + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// What kind it is, such as `mention`: people switch kinds on and off. 1 to 64 bytes.
    fn kind(&self) -> &'static str;

    /// What it is about, such as `post:7`. While a notification of this kind about the same is unread, the next one is
    /// added to it instead of standing beside it. None: each stands alone. At most 128 bytes.
    fn subject(&self) -> Option<String> {
        None
    }

    /// The community in which it happened: people mute whole communities. At most 64 bytes.
    fn community(&self) -> Option<String> {
        None
    }

    /// The line that says it.
    fn title(notification: &Notification<Self>) -> String;

    /// What stands below the line, such as the beginning of a comment.
    fn body(notification: &Notification<Self>) -> Option<String> {
        let _ = notification;
        None
    }

    /// Where it leads, a path on the host's site.
    fn link(notification: &Notification<Self>) -> Option<String> {
        let _ = notification;
        None
    }
}

/// A plain sentence, of the kind `message`: for a start, and for what has nothing but words. Each stands alone.
impl NotificationData for String {
    fn kind(&self) -> &'static str {
        "message"
    }

    fn title(notification: &Notification<Self>) -> String {
        notification.data.clone()
    }
}

/// One notification, as its person sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Notification<D> {
    /// Its number.
    pub id: NotificationId,
    /// [`NotificationData::kind`].
    pub kind: String,
    /// [`NotificationData::community`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub community: Option<String>,
    /// The partner community that it comes from, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The host's own, of what came last.
    pub data: D,
    /// Who did it: the last [`MAX_ACTORS`] of them, the latest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actors: Vec<User>,
    /// How many people did it, each counted once.
    #[serde(default)]
    pub actor_count: u32,
    /// How often something came.
    pub count: u32,
    /// When the first came.
    pub created: UnixMillis,
    /// When the last came.
    pub updated: UnixMillis,
    /// When it was seen in the inbox, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<UnixMillis>,
    /// When it was read, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<UnixMillis>,
    /// When it was put away, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<UnixMillis>,
    /// The number of the inbox's change that touched it last.
    pub change: u64,
    /// It was taken back: its data is null, and it is in no list any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
}

/// The most actors that a notification names.
pub const MAX_ACTORS: usize = 3;

/// A notification whose data nobody has read yet.
pub type WireNotification = Notification<serde_json::Value>;

impl<D> Notification<D> {
    /// Whether it counts as unread: neither read nor put away.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        self.read.is_none() && self.archived.is_none()
    }

    /// Its place in the list, which begins with the greatest.
    #[must_use]
    pub fn place(&self) -> InboxCursor {
        InboxCursor {
            updated: self.updated,
            id: self.id,
        }
    }

    /// Who did it, in words: “Ada”, “Ada and Bob”, “Ada and 4 others”, “Somebody”.
    ///
    /// ```
    /// # use leptos_realtime::protocol::WireNotification;
    /// # let notification: WireNotification = serde_json::from_str(r#"{"id":1,"kind":"k","data":null,"count":5,"created":1,"updated":1,"change":1,
    /// #   "actors":[{"id":"1","name":"Ada"},{"id":"2","name":"Bob"},{"id":"3","name":"Cyd"}],"actor_count":5}"#).unwrap();
    /// assert_eq!(notification.who(), "Ada and 4 others");
    /// ```
    #[must_use]
    pub fn who(&self) -> String {
        match (&*self.actors, self.actor_count) {
            ([], _) => "Somebody".to_owned(),
            ([one, ..], 0 | 1) => one.name.clone(),
            ([one, two, ..], 2) => format!("{} and {}", one.name, two.name),
            ([one, ..], 2) => format!("{} and 1 other", one.name),
            ([one, ..], more) => format!("{} and {} others", one.name, more - 1),
        }
    }

    pub(crate) fn with_data<E>(self, data: E) -> Notification<E> {
        Notification {
            id: self.id,
            kind: self.kind,
            community: self.community,
            origin: self.origin,
            data,
            actors: self.actors,
            actor_count: self.actor_count,
            count: self.count,
            created: self.created,
            updated: self.updated,
            seen: self.seen,
            read: self.read,
            archived: self.archived,
            change: self.change,
            withdrawn: self.withdrawn,
        }
    }
}

impl WireNotification {
    /// Reads the data as the host's type; none where it cannot be, as that of a newer server.
    #[must_use]
    pub fn read_as<D: DeserializeOwned>(&self) -> Option<Notification<D>> {
        let data = D::deserialize(&self.data).ok()?;
        Some(self.clone().with_data(data))
    }
}

/// A place in an inbox' list. It stays good when notifications come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InboxCursor {
    /// When something came last for the notification there.
    pub updated: UnixMillis,
    /// Which it is.
    pub id: NotificationId,
}

/// What can be done to notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// It was read, and no more is added to it.
    Read,
    /// It was not read after all. What comes later stands beside it.
    Unread,
    /// It was seen in the inbox, no more.
    Seen,
    /// It is put away, and no more is added to it.
    Archived,
    /// It is back in the list.
    Unarchived,
}

/// One numbered step of an inbox, or several in one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InboxChange {
    /// The number of the last step in it.
    pub change: u64,
    /// The number of steps in it: with what came before, it is complete up to `change`.
    pub steps: u64,
    /// How many are unread after it.
    pub unread: u32,
    /// What they touched, as it is after them. Left out where it is much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notifications: Option<Vec<WireNotification>>,
    /// Everything that was unread up to this number was read, at this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_up_to: Option<(u64, UnixMillis)>,
}

/// A page of an inbox, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InboxPage {
    /// The number of the inbox's change at which it was read.
    pub change: u64,
    /// How many are unread then.
    pub unread: u32,
    /// These notifications.
    pub notifications: Vec<WireNotification>,
    /// Where the next page begins, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<InboxCursor>,
}

/// Which notifications a page shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InboxFilter {
    /// Only those that are unread.
    #[serde(default)]
    pub unread: bool,
    /// Those that were put away, instead of the others.
    #[serde(default)]
    pub archived: bool,
    /// Only those of this kind.
    #[serde(default)]
    pub kind: Option<String>,
    /// Only those of this community.
    #[serde(default)]
    pub community: Option<String>,
}

impl InboxFilter {
    /// Whether a notification is one of them.
    #[must_use]
    pub fn fits<D>(&self, one: &Notification<D>) -> bool {
        one.archived.is_some() == self.archived
            && !one.withdrawn
            && (!self.unread || one.read.is_none())
            && self.kind.as_ref().is_none_or(|kind| one.kind == *kind)
            && (self.community.is_none() || one.community == self.community)
    }
}

/// Whether a person wants to be told of something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Preference {
    /// The kind; none: each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The community; none: each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub community: Option<String>,
    /// On or off; none: as a wider preference says, and on where none does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Off until then, whatever else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<UnixMillis>,
}

/// What is changed of a preference: the other half of it stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreferenceChange {
    /// [`Preference::enabled`].
    Enabled(Option<bool>),
    /// [`Preference::muted_until`].
    MutedUntil(Option<UnixMillis>),
}

/// What a person wants to be told of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preferences(pub Vec<Preference>);

impl Preferences {
    /// Whether something of a kind in a community is wanted now. A preference for the community counts before one for
    /// the kind; a mute that fits counts before both.
    #[must_use]
    pub fn wants(&self, kind: &str, community: Option<&str>, now: UnixMillis) -> bool {
        let mut fitting = self.fitting(Some(kind), community);
        let muted = fitting.any(|one| one.muted_until.is_some_and(|until| until > now));
        !muted && closest(self.fitting(Some(kind), community))
    }

    /// What is said of just this kind and community, where none means each.
    #[must_use]
    pub fn said(&self, kind: Option<&str>, community: Option<&str>) -> Preference {
        let nothing = || Preference {
            kind: kind.map(str::to_owned),
            community: community.map(str::to_owned),
            ..Preference::default()
        };
        let said = self.0.iter().find(|one| one.is_of(kind, community));
        said.cloned().unwrap_or_else(nothing)
    }

    /// Whether it is on where nothing is said of just this: as a wider preference says.
    #[must_use]
    pub fn inherited(&self, kind: Option<&str>, community: Option<&str>) -> bool {
        let fitting = self.fitting(kind, community);
        closest(fitting.filter(|one| !one.is_of(kind, community)))
    }

    /// Changes what is said of a kind and a community. Where nothing is said any more, nothing stays.
    pub fn change(
        &mut self,
        kind: Option<&str>,
        community: Option<&str>,
        change: PreferenceChange,
    ) {
        let mut said = self.said(kind, community);
        match change {
            PreferenceChange::Enabled(enabled) => said.enabled = enabled,
            PreferenceChange::MutedUntil(until) => said.muted_until = until,
        }
        self.0.retain(|one| !one.is_of(kind, community));
        if said.says_something() {
            self.0.push(said);
        }
    }

    /// Those that count for a kind and a community.
    fn fitting(
        &self,
        kind: Option<&str>,
        community: Option<&str>,
    ) -> impl Iterator<Item = &Preference> {
        let fits = |one: &Option<String>, of: Option<&str>| one.is_none() || one.as_deref() == of;
        let all = self.0.iter();
        all.filter(move |one| fits(&one.kind, kind) && fits(&one.community, community))
    }
}

/// What the closest preference of these says that says anything.
fn closest<'a>(fitting: impl Iterator<Item = &'a Preference>) -> bool {
    let closeness = |one: &Preference| (one.community.is_some(), one.kind.is_some());
    let said = fitting.filter_map(|one| Some((closeness(one), one.enabled?)));
    said.max().is_none_or(|(_, enabled)| enabled)
}

impl Preference {
    /// Whether anything is said.
    #[must_use]
    pub fn says_something(&self) -> bool {
        self.enabled.is_some() || self.muted_until.is_some()
    }

    fn is_of(&self, kind: Option<&str>, community: Option<&str>) -> bool {
        self.kind.as_deref() == kind && self.community.as_deref() == community
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preference(kind: &str, community: &str, enabled: bool) -> Preference {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Preference {
            kind: some(kind),
            community: some(community),
            enabled: Some(enabled),
            muted_until: None,
        }
    }

    #[test]
    fn what_is_said_more_closely_counts() {
        let wants = |said: &[Preference]| Preferences(said.to_vec()).wants("vote", Some("c"), 10);
        assert!(wants(&[]));
        assert!(!wants(&[preference("", "", false)]));
        assert!(wants(&[
            preference("", "", false),
            preference("vote", "", true)
        ]));
        assert!(!wants(&[
            preference("vote", "", true),
            preference("", "c", false)
        ]));
        let close = [preference("", "c", false), preference("vote", "c", true)];
        assert!(wants(&close));
        assert!(wants(&[
            preference("mention", "", false),
            preference("", "d", false)
        ]));
    }

    #[test]
    fn a_mute_counts_before_everything_until_it_ends() {
        let mut muted = preference("", "c", true);
        muted.muted_until = Some(11);
        let said = Preferences(vec![muted, preference("vote", "c", true)]);
        assert!(!said.wants("vote", Some("c"), 10));
        assert!(said.wants("vote", Some("c"), 11));
        assert!(said.wants("vote", None, 10));
    }

    #[test]
    fn what_nothing_is_said_of_is_as_a_wider_preference_says() {
        let said = |said: &[Preference]| Preferences(said.to_vec());
        let everything_off = said(&[preference("", "", false)]);
        assert!(said(&[]).inherited(Some("vote"), None));
        assert!(!everything_off.inherited(Some("vote"), None));
        assert!(!everything_off.inherited(None, Some("c")));
        assert!(
            everything_off.inherited(None, None),
            "nothing is wider than everything"
        );
        let on = said(&[preference("", "", false), preference("vote", "", true)]);
        assert!(!on.inherited(Some("vote"), None), "it would be off again");
        assert!(on.inherited(Some("vote"), Some("c")));
        assert_eq!(on.said(Some("vote"), None).enabled, Some(true));
        assert_eq!(on.said(Some("mention"), None).enabled, None);
    }

    #[test]
    fn a_mute_leaves_what_is_on_or_off_and_what_says_nothing_goes() {
        let mut said = Preferences::default();
        let mut change = |change| {
            said.change(Some("vote"), None, change);
            let now = said.said(Some("vote"), None);
            (now.enabled, now.muted_until, said.0.len())
        };
        use PreferenceChange::{Enabled, MutedUntil};
        assert_eq!(change(Enabled(Some(false))), (Some(false), None, 1));
        assert_eq!(change(MutedUntil(Some(9))), (Some(false), Some(9), 1));
        assert_eq!(change(Enabled(None)), (None, Some(9), 1));
        assert_eq!(change(MutedUntil(None)), (None, None, 0));
    }

    #[test]
    fn a_plain_sentence_is_a_notification() {
        let one: WireNotification = serde_json::from_str(
            r#"{"id":1,"kind":"message","data":"Ada waves","count":1,"created":1,"updated":1,"change":1}"#,
        )
        .unwrap();
        let read = one.read_as::<String>().unwrap();
        assert_eq!((read.data.kind(), read.data.subject()), ("message", None));
        assert_eq!(String::title(&read), "Ada waves");
    }

    #[test]
    fn a_filter_takes_what_it_names() {
        let mut one: WireNotification = serde_json::from_str(
            r#"{"id":1,"kind":"vote","community":"c","data":null,"count":1,"created":1,"updated":1,"change":1}"#,
        )
        .unwrap();
        let all = InboxFilter::default();
        let unread = InboxFilter {
            unread: true,
            ..all.clone()
        };
        let archived = InboxFilter {
            archived: true,
            ..all.clone()
        };
        let votes = InboxFilter {
            kind: Some("vote".to_owned()),
            ..all.clone()
        };
        let elsewhere = InboxFilter {
            community: Some("d".to_owned()),
            ..all.clone()
        };
        let fits = |one: &WireNotification| {
            [&all, &unread, &archived, &votes, &elsewhere].map(|filter| filter.fits(one))
        };
        assert_eq!(fits(&one), [true, true, false, true, false]);
        one.read = Some(2);
        assert_eq!(fits(&one), [true, false, false, true, false]);
        one.archived = Some(3);
        assert_eq!(fits(&one), [false, false, true, false, false]);
        one.withdrawn = true;
        assert_eq!(fits(&one), [false; 5]);
    }
}
