//! The signed session cookie.

use axum_extra::extract::cookie::{Cookie, Key, SameSite, SignedCookieJar};
use http::{HeaderMap, HeaderValue, header};

use super::clock::now;
use crate::model::Person;

/// The cookie's name.
const NAME: &str = "forum_session";

/// How long a sign-in lasts, in seconds.
const MAX_AGE: i64 = 30 * 24 * 3_600;

/// The least length of a secret, in bytes.
const MIN_SECRET: usize = 32;

/// Signs and reads sessions.
#[derive(Clone)]
pub struct SessionKey(Key);

impl SessionKey {
    /// A key from a secret of at least 32 bytes; nothing from a shorter one.
    #[must_use]
    pub fn new(secret: &str) -> Option<Self> {
        (secret.len() >= MIN_SECRET).then(|| Self(Key::derive_from(secret.as_bytes())))
    }

    /// A new secret.
    #[must_use]
    pub fn random_secret() -> String {
        format!(
            "{:032x}{:032x}",
            rand::random::<u128>(),
            rand::random::<u128>()
        )
    }

    /// The `Set-Cookie` that signs a person in, or out.
    pub(super) fn set_cookie(&self, person: Option<&Person>) -> Option<HeaderValue> {
        let (value, max_age) = match person {
            Some(person) => (self.sign(person), MAX_AGE),
            None => (String::new(), 0),
        };
        let cookie = Cookie::build((NAME, value))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .max_age(time::Duration::seconds(max_age))
            .build();
        cookie.encoded().to_string().parse().ok()
    }

    /// The signed session of a person, as the cookie carries it. It serves as a token too.
    fn sign(&self, person: &Person) -> String {
        let jar = SignedCookieJar::new(self.0.clone())
            .add(Cookie::new(NAME, format!("{}:{}", person.id, now())));
        // The jar gives out the signed form only as a header.
        let response = axum::response::IntoResponse::into_response(jar);
        let header = response
            .headers()
            .get(header::SET_COOKIE)
            .and_then(|value| value.to_str().ok());
        let cookie = header.and_then(|text| Cookie::parse_encoded(text.to_owned()).ok());
        cookie
            .map(|cookie| cookie.value().to_owned())
            .unwrap_or_default()
    }

    /// Whose valid session a request carries.
    pub(super) fn person_of_cookie(&self, headers: &HeaderMap) -> Option<i64> {
        let jar = SignedCookieJar::from_headers(headers, self.0.clone());
        let (person, issued) = jar
            .get(NAME)?
            .value()
            .split_once(':')
            .map(|(p, i)| (p.to_owned(), i.to_owned()))?;
        let age = now().checked_sub(issued.parse().ok()?)?;
        (age < MAX_AGE * 1_000)
            .then(|| person.parse().ok())
            .flatten()
    }

    /// Whose valid session a token is: the cookie's value.
    pub(super) fn person_of_token(&self, token: &str) -> Option<i64> {
        let cookie = Cookie::new(NAME, token).encoded().to_string();
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, cookie.parse().ok()?);
        self.person_of_cookie(&headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SessionKey {
        SessionKey::new(&SessionKey::random_secret()).unwrap()
    }

    #[test]
    fn a_session_is_read_back_and_a_forged_one_is_not() {
        let (key, ada) = (
            key(),
            Person {
                id: 7,
                name: "Ada".into(),
            },
        );
        let token = key.sign(&ada);
        assert_eq!(key.person_of_token(&token), Some(7));
        assert_eq!(self::key().person_of_token(&token), None, "another key");
        assert_eq!(
            key.person_of_token(&token.replace("7:", "8:")),
            None,
            "another person"
        );
        assert_eq!(key.person_of_token("nonsense"), None);
        assert_eq!(key.person_of_token(""), None);
    }

    #[test]
    fn the_cookie_is_kept_from_scripts_and_other_sites() {
        let cookie = key()
            .set_cookie(Some(&Person {
                id: 7,
                name: "Ada".into(),
            }))
            .unwrap();
        let cookie = cookie.to_str().unwrap();
        assert!(
            cookie.contains("HttpOnly")
                && cookie.contains("SameSite=Lax")
                && cookie.contains("Path=/"),
            "{cookie}"
        );
        let out = key().set_cookie(None).unwrap();
        assert!(out.to_str().unwrap().contains("Max-Age=0"));
    }

    #[test]
    fn a_short_secret_is_no_secret() {
        assert!(SessionKey::new("short").is_none());
    }
}
