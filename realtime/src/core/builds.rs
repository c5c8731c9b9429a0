//! Which builds a page and its servers are of, and when it is to be loaded again.
//!
//! Builds have no order, so that another one counts as a newer one. During a deploy that is not always true: somebody
//! who has just loaded the new page may be served by an older instance for a moment. What the tab has known before is
//! therefore no news to a page that has just been loaded.

use crate::protocol::BuildId;

/// How many builds a tab remembers.
const KNOWN: usize = 8;

/// After one reload that nobody asked for there is none for so long, in milliseconds, whatever the reason.
const RELOADS_EVERY_MS: u64 = 600_000;

/// What a page knows of builds: its own, its server's, and those that its tab has known.
///
/// ```
/// use leptos_realtime::{core::builds::Builds, protocol::BuildId};
/// let [a, b] = ["a", "b"].map(|name| BuildId::try_from(name).ok());
/// let mut builds = Builds::of_page(a.clone(), "");
/// builds.welcomed(a);
/// assert_eq!(builds.news(), None);
/// builds.welcomed(b.clone());
/// assert_eq!(builds.news(), b.as_ref());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Builds {
    own: Option<BuildId>,
    server: Option<BuildId>,
    known: Vec<BuildId>,
    /// How many servers have welcomed the page.
    welcomes: u64,
}

impl Builds {
    /// A page that was made by this build, in a tab that remembers what [`remembered`](Self::remembered) wrote before.
    /// A page that does not know its own is of the build that welcomes it first.
    #[must_use]
    pub fn of_page(own: Option<BuildId>, remembered: &str) -> Self {
        let known = remembered.split(' ');
        let mut builds = Self {
            known: known.filter_map(|id| BuildId::try_from(id).ok()).collect(),
            ..Self::default()
        };
        builds.is_of(own);
        builds
    }

    fn is_of(&mut self, own: Option<BuildId>) {
        if let Some(own) = &own {
            self.know(own.clone());
        }
        self.own = own;
    }

    fn know(&mut self, build: BuildId) {
        self.known.retain(|known| *known != build);
        self.known.push(build);
        let too_many = self.known.len().saturating_sub(KNOWN);
        self.known.drain(..too_many);
    }

    /// A server of this build welcomes the page.
    pub fn welcomed(&mut self, server: Option<BuildId>) {
        if self.own.is_none() {
            self.is_of(server.clone());
        }
        self.server = server;
        self.welcomes = self.welcomes.saturating_add(1);
    }

    /// The page's own build.
    #[must_use]
    pub fn own(&self) -> Option<&BuildId> {
        self.own.as_ref()
    }

    /// The build of the server that welcomed the page last.
    #[must_use]
    pub fn server(&self) -> Option<&BuildId> {
        self.server.as_ref()
    }

    /// The server's build, where loading the page again may give a newer one.
    #[must_use]
    pub fn news(&self) -> Option<&BuildId> {
        let (own, server) = (self.own.as_ref()?, self.server.as_ref()?);
        let is_known = self.welcomes <= 1 && self.known.contains(server);
        (server != own && !is_known).then_some(server)
    }

    /// The page is about to be loaded again because of the news: where that gives the same page, it is none any more.
    pub fn follow(&mut self) {
        if let Some(news) = self.news().cloned() {
            self.know(news);
        }
    }

    /// For the next page of the tab.
    #[must_use]
    pub fn remembered(&self) -> String {
        let known: Vec<&str> = self.known.iter().map(BuildId::as_str).collect();
        known.join(" ")
    }
}

/// Whether a page that is not served any more may load itself again, which nobody asked for: once for one reason, and
/// seldom. `before` is what was remembered of the last time; what is returned is to be remembered **before** it is done,
/// and where that cannot be, it is not to be done.
///
/// ```
/// use leptos_realtime::core::builds::reload_once;
/// let done = reload_once(None, "protocol 2, not 1", 5).expect("the first time");
/// assert_eq!(reload_once(Some(&done), "protocol 2, not 1", 86_400_000), None);
/// ```
#[must_use]
pub fn reload_once(before: Option<&str>, why: &str, now: u64) -> Option<String> {
    let last = before.and_then(|before| before.split_once(' '));
    if let Some((at, reason)) = last {
        let at: u64 = at.parse().unwrap_or(now);
        // A clock that has gone back says nothing.
        let is_soon = now < at || now - at < RELOADS_EVERY_MS;
        if reason == why || is_soon {
            return None;
        }
    }
    Some(format!("{now} {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> Option<BuildId> {
        BuildId::try_from(name).ok()
    }

    fn news(builds: &Builds) -> Option<&str> {
        builds.news().map(BuildId::as_str)
    }

    #[test]
    fn another_build_is_news_and_the_own_is_none() {
        let mut page = Builds::of_page(id("a"), "");
        assert_eq!(news(&page), None, "nobody has said anything");
        page.welcomed(id("a"));
        assert_eq!(news(&page), None);
        page.welcomed(id("b"));
        assert_eq!(news(&page), Some("b"));
        page.welcomed(id("a"));
        assert_eq!(news(&page), None, "back at an instance of its own");
        page.welcomed(None);
        assert_eq!(news(&page), None, "a host that says nothing");
    }

    #[test]
    fn a_page_without_a_build_is_of_the_first_that_welcomes_it() {
        let mut page = Builds::of_page(None, "");
        page.welcomed(None);
        page.welcomed(id("a"));
        assert_eq!((page.own(), news(&page)), (id("a").as_ref(), None));
        page.welcomed(id("b"));
        assert_eq!(news(&page), Some("b"));
    }

    #[test]
    fn who_loads_the_page_again_is_not_told_of_the_same_at_once() {
        let mut page = Builds::of_page(id("a"), "");
        page.welcomed(id("b"));
        page.follow();
        // The new page, served by an instance that is still old; or the old page, from a cache.
        for own in ["b", "a"] {
            let mut next = Builds::of_page(id(own), &page.remembered());
            for server in ["a", "b"] {
                let mut next = next.clone();
                next.welcomed(id(server));
                assert_eq!(news(&next), None, "{own} at {server}");
            }
            // That it is still so the next time is worth saying.
            next.welcomed(id("b"));
            next.welcomed(id("c"));
            assert_eq!(news(&next), Some("c"));
        }
    }

    #[test]
    fn a_version_that_is_taken_back_is_told_to_who_was_there() {
        let mut page = Builds::of_page(id("b"), "a b");
        page.welcomed(id("b"));
        page.welcomed(id("a"));
        assert_eq!(news(&page), Some("a"));
    }

    #[test]
    fn a_tab_remembers_some_builds_and_reads_what_it_finds() {
        let mut known = String::from("not\u{7f}one  x");
        for build in 0..20 {
            known = Builds::of_page(id(&format!("b{build}")), &known).remembered();
        }
        assert_eq!(known, "b12 b13 b14 b15 b16 b17 b18 b19");
    }

    #[test]
    fn one_reason_reloads_once_and_many_reasons_seldom() {
        let first = reload_once(None, "1", 1_000).unwrap();
        for later in [1_000, 2_000, u64::MAX] {
            assert_eq!(reload_once(Some(&first), "1", later), None);
        }
        assert_eq!(reload_once(Some(&first), "2", 600_999), None, "too soon");
        assert_eq!(
            reload_once(Some(&first), "2", 10),
            None,
            "a clock that has gone back"
        );
        let second = reload_once(Some(&first), "2", 601_000).unwrap();
        assert_eq!(reload_once(Some(&second), "2", u64::MAX), None);
        assert!(reload_once(Some("nonsense"), "1", 1).is_some());
        assert_eq!(
            reload_once(Some("x 1"), "2", 1),
            None,
            "it was just now, perhaps"
        );
    }
}
