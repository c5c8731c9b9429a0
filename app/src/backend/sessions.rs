//! Who is signed in where: kept in the database, so that restarts and other instances know it.

use super::{
    Forum,
    clock::now,
    cookie::{Token, TokenHash},
    db::query,
};
use crate::model::{Person, Session};

/// After how long without use a session ends.
const LIFE: i64 = 30 * 24 * 3_600_000;

/// How exactly it is kept when a session was last used.
const EXACT: i64 = 3_600_000;

/// How much of what is kept of a session's token names it on its owner's page.
const NAMED: usize = 16;

/// The longest name of a browser that is kept.
const MAX_DEVICE: usize = 60;

/// Somebody who is signed in.
pub(super) struct SignedIn {
    pub(super) person: Person,
    /// Since when.
    pub(super) issued: i64,
    /// Whether they look after the site.
    pub(super) operator: bool,
}

impl Forum {
    /// Signs a person in.
    pub(super) async fn begin_session(
        &self,
        person: i64,
        device: &str,
    ) -> Result<Token, sqlx::Error> {
        let (token, now) = (Token::random(), now());
        // Those that nobody used in time go when their person comes back.
        let ended = query("delete from session where person = $1 and seen < $2");
        self.db().run(ended.bind(person).bind(now - LIFE)).await?;
        let begun = query(
            "insert into session (token, person, created, seen, device) values ($1, $2, $3, $3, $4)",
        );
        let begun = begun
            .bind(token.hash().0.as_str())
            .bind(person)
            .bind(now)
            .bind(device);
        self.db().run(begun).await?;
        Ok(token)
    }

    /// Whose session this is, if it is one.
    pub(super) async fn session(&self, token: &TokenHash) -> Result<Option<SignedIn>, sqlx::Error> {
        let now = now();
        let found = query(
            "select p.id, p.name, s.created, s.seen, (select count(*) from site_operator o where o.person = p.id)
             from session s join person p on p.id = s.person
             where s.token = $1 and s.seen > $2",
        );
        let found = found.bind(token.0.as_str()).bind(now - LIFE);
        let found: Option<(i64, String, i64, i64, i64)> = self.db().maybe(found).await?;
        let Some((id, name, issued, seen, operator)) = found else {
            return Ok(None);
        };
        if seen < now - EXACT {
            let used = query("update session set seen = $2 where token = $1");
            self.db().run(used.bind(token.0.as_str()).bind(now)).await?;
        }
        let person = Person { id, name };
        Ok(Some(SignedIn {
            person,
            issued,
            operator: operator > 0,
        }))
    }

    /// Ends a session. Returns whose it was.
    pub(super) async fn end_session(&self, token: &TokenHash) -> Result<Option<i64>, sqlx::Error> {
        let ended = query("delete from session where token = $1 returning person");
        let ended: Option<(i64,)> = self.db().maybe(ended.bind(token.0.as_str())).await?;
        Ok(ended.map(|(person,)| person))
    }

    /// Ends all of a person's sessions.
    pub(super) async fn end_sessions(&self, person: i64) -> Result<u64, sqlx::Error> {
        let ended = query("delete from session where person = $1");
        self.db().run(ended.bind(person)).await
    }

    /// Ends one of a person's sessions. Whether there was one of this name.
    pub(crate) async fn end_one_session(&self, person: i64, id: &str) -> Result<bool, sqlx::Error> {
        if id.len() != NAMED || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Ok(false);
        }
        let named = format!("{id}%");
        let ended = query("delete from session where person = $1 and token like $2");
        let ended = ended.bind(person).bind(named.as_str());
        let ended = self.db().run(ended).await?;
        Ok(ended > 0)
    }

    /// A person's sessions, the last used first. `here` is the one that asks.
    pub(super) async fn sessions(
        &self,
        person: i64,
        here: Option<&TokenHash>,
    ) -> Result<Vec<Session>, sqlx::Error> {
        let all = query(
            "select token, device, created, seen from session where person = $1 and seen > $2
             order by seen desc, created desc limit 50",
        );
        let all = all.bind(person).bind(now() - LIFE);
        let all: Vec<(String, String, i64, i64)> = self.db().all(all).await?;
        let session = |(token, device, created, seen): (String, String, i64, i64)| Session {
            here: here.is_some_and(|here| here.0 == token),
            id: token.chars().take(NAMED).collect(),
            device,
            created,
            seen,
        };
        Ok(all.into_iter().map(session).collect())
    }
}

/// A browser by its name for itself, in words for its owner.
pub(super) fn device(agent: Option<&str>) -> String {
    let agent = agent.unwrap_or_default();
    let first = |known: &[(&str, &'static str)]| {
        known
            .iter()
            .find(|(part, _)| agent.contains(part))
            .map(|(_, name)| *name)
    };
    // Most call themselves by the names of several others too: the order counts.
    let browser = first(&[
        ("Firefox/", "Firefox"),
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS", "Mac"),
        ("Linux", "Linux"),
    ]);
    let name = match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "Unknown browser".to_owned(),
    };
    name.chars().take(MAX_DEVICE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::testing::on_both;

    on_both!(
        a_session_lasts_until_it_is_ended,
        all_of_a_persons_sessions_end_at_once,
        one_of_a_persons_sessions_ends_and_no_other
    );

    async fn a_session_lasts_until_it_is_ended(forum: Forum) {
        let ada = forum.look_around("Ada").await.unwrap();
        let token = forum
            .begin_session(ada.id, "Firefox on Linux")
            .await
            .unwrap();
        let found = forum.session(&token.hash()).await.unwrap().unwrap();
        assert_eq!(found.person, ada);
        let kept: (String,) = forum
            .db()
            .one(query("select token from session"))
            .await
            .unwrap();
        assert_eq!(kept.0, token.hash().0, "the token itself is nowhere");
        let stranger = Token::random();
        assert!(forum.session(&stranger.hash()).await.unwrap().is_none());
        forum.end_session(&token.hash()).await.unwrap();
        assert!(forum.session(&token.hash()).await.unwrap().is_none());
        let old = forum.begin_session(ada.id, "…").await.unwrap();
        let long_ago = query("update session set seen = $1").bind(now() - LIFE - 1);
        forum.db().run(long_ago).await.unwrap();
        assert!(
            forum.session(&old.hash()).await.unwrap().is_none(),
            "unused for a month"
        );
    }

    async fn all_of_a_persons_sessions_end_at_once(forum: Forum) {
        let (ada, bob) = (
            forum.look_around("Ada").await.unwrap(),
            forum.look_around("Bob").await.unwrap(),
        );
        let desk = forum
            .begin_session(ada.id, "Firefox on Linux")
            .await
            .unwrap();
        let phone = forum
            .begin_session(ada.id, "Safari on iPhone")
            .await
            .unwrap();
        let his = forum
            .begin_session(bob.id, "Chrome on Windows")
            .await
            .unwrap();
        let listed = forum.sessions(ada.id, Some(&desk.hash())).await.unwrap();
        assert_eq!(listed.len(), 2);
        let here: Vec<_> = listed.iter().filter(|session| session.here).collect();
        assert_eq!(here.len(), 1);
        assert_eq!(here[0].device, "Firefox on Linux");
        assert_eq!(forum.end_sessions(ada.id).await.unwrap(), 2);
        for token in [desk, phone] {
            assert!(forum.session(&token.hash()).await.unwrap().is_none());
        }
        assert!(forum.session(&his.hash()).await.unwrap().is_some());
    }

    async fn one_of_a_persons_sessions_ends_and_no_other(forum: Forum) {
        let (ada, bob) = (
            forum.look_around("Ada").await.unwrap(),
            forum.look_around("Bob").await.unwrap(),
        );
        let desk = forum.begin_session(ada.id, "desk").await.unwrap();
        let phone = forum.begin_session(ada.id, "phone").await.unwrap();
        let listed = forum.sessions(ada.id, Some(&desk.hash())).await.unwrap();
        let other = listed.iter().find(|session| !session.here).unwrap();
        assert!(!forum.end_one_session(bob.id, &other.id).await.unwrap());
        for nobodys in ["", "%", "0123456789abcdef"] {
            assert!(!forum.end_one_session(ada.id, nobodys).await.unwrap());
        }
        assert!(forum.end_one_session(ada.id, &other.id).await.unwrap());
        assert!(forum.session(&phone.hash()).await.unwrap().is_none());
        assert!(forum.session(&desk.hash()).await.unwrap().is_some());
    }

    #[test]
    fn a_browser_is_named_for_people() {
        let named = |agent| device(Some(agent));
        assert_eq!(
            named("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
            "Firefox on Linux"
        );
        assert_eq!(
            named(
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1"
            ),
            "Safari on iPhone"
        );
        assert_eq!(device(Some("curl/8")), "Unknown browser");
        assert_eq!(device(None), "Unknown browser");
    }
}
