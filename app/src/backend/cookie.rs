//! The cookie that carries a session's token.

use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use http::{HeaderMap, HeaderValue};
use sha2::{Digest, Sha256};

/// The cookie's name.
const NAME: &str = "forum_session";

/// How long the browser keeps it, in seconds.
const MAX_AGE: i64 = 30 * 24 * 3_600;

/// A session's token: whoever has it is the session's person.
pub(super) struct Token(String);

/// What is kept of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TokenHash(pub(super) String);

impl Token {
    /// A new one: 256 bits that nobody guesses.
    pub(super) fn random() -> Self {
        let (high, low): (u128, u128) = (rand::random(), rand::random());
        Self(format!("{high:032x}{low:032x}"))
    }

    /// What is kept of it.
    pub(super) fn hash(&self) -> TokenHash {
        hash(&self.0)
    }

    /// The `Set-Cookie` that hands it over; over HTTPS only, where the site has it.
    pub(super) fn set_cookie(&self, secure: bool) -> Option<HeaderValue> {
        written(self.0.clone(), MAX_AGE, secure)
    }
}

/// What is kept of a token, as somebody presents it. It has 256 bits, so it needs no salt.
pub(super) fn hash(token: &str) -> TokenHash {
    let digest = Sha256::digest(token.as_bytes());
    TokenHash(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The `Set-Cookie` that takes it back.
pub(super) fn clear_cookie(secure: bool) -> Option<HeaderValue> {
    written(String::new(), 0, secure)
}

fn written(value: String, max_age: i64, secure: bool) -> Option<HeaderValue> {
    let cookie = Cookie::build((NAME, value))
        .path("/")
        .http_only(true)
        .secure(secure)
        .same_site(SameSite::Lax)
        .max_age(time::Duration::seconds(max_age))
        .build();
    cookie.encoded().to_string().parse().ok()
}

/// The token in a request's cookies.
pub(super) fn token(headers: &HeaderMap) -> Option<String> {
    let jar = CookieJar::from_headers(headers);
    jar.get(NAME).map(|cookie| cookie.value().to_owned())
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;

    #[test]
    fn the_cookie_is_kept_from_scripts_and_other_sites() {
        let cookie = Token::random().set_cookie(true).unwrap();
        let cookie = cookie.to_str().unwrap();
        for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Secure"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        let out = clear_cookie(false).unwrap();
        let out = out.to_str().unwrap();
        assert!(
            out.contains("Max-Age=0") && !out.contains("Secure"),
            "{out}"
        );
    }

    #[test]
    fn a_token_is_read_back_and_only_its_hash_is_kept() {
        let token = Token::random();
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, token.set_cookie(false).unwrap());
        assert_eq!(hash(&super::token(&headers).unwrap()), token.hash());
        assert_ne!(token.hash().0, token.0);
        assert_ne!(Token::random().hash(), token.hash());
    }
}
