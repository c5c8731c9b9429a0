mod keys;

use std::{
    io::{self, Write},
    sync::Mutex,
};

use http::{header::COOKIE, request::Parts};
use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use serde_json::json;

use super::*;
use keys::*;

const EXPIRED: &str = "this sign-in has expired: sign in again";
const NOT_VALID: &str = "this sign-in is not valid: sign in again";

/// Each algorithm's checker, and the key to issue tokens for it.
fn algorithms() -> [(Algorithm, Jwt, EncodingKey); 3] {
    let rsa = EncodingKey::from_rsa_pem(RSA_PRIVATE.as_bytes()).unwrap();
    let ec = EncodingKey::from_ec_pem(EC_PRIVATE.as_bytes()).unwrap();
    [
        (
            Algorithm::HS256,
            Jwt::hs256(SECRET).unwrap(),
            EncodingKey::from_secret(SECRET),
        ),
        (Algorithm::RS256, Jwt::rs256(RSA_PUBLIC).unwrap(), rsa),
        (Algorithm::ES256, Jwt::es256(EC_PUBLIC).unwrap(), ec),
    ]
}

fn signed(algorithm: Algorithm, claims: &Value, key: &EncodingKey) -> String {
    encode(&Header::new(algorithm), claims, key).unwrap()
}

fn hs256() -> Jwt {
    Jwt::hs256(SECRET).unwrap()
}

fn hs256_token(claims: &Value) -> String {
    signed(Algorithm::HS256, claims, &EncodingKey::from_secret(SECRET))
}

/// The claims of a token that is good for a minute, changed by others; `null` takes one away.
fn claims(changes: Value) -> Value {
    let now = get_current_timestamp();
    let mut claims = json!({ "sub": "7", "name": "Ada", "iat": now, "exp": now + 60 });
    let all = claims.as_object_mut().unwrap();
    for (claim, value) in changes.as_object().unwrap() {
        all.insert(claim.clone(), value.clone());
    }
    all.retain(|_, value| !value.is_null());
    claims
}

fn parts(cookies: &[&[u8]]) -> Parts {
    let mut request = http::Request::new(());
    for cookie in cookies {
        let value = http::HeaderValue::from_bytes(cookie).unwrap();
        request.headers_mut().append(COOKIE, value);
    }
    request.into_parts().0
}

async fn present(
    jwt: &Jwt,
    token: Option<&str>,
    cookies: &[&[u8]],
) -> Result<Option<SignIn>, String> {
    let handshake = Handshake::new(Arc::new(parts(cookies)), token.map(str::to_owned));
    let presented = jwt.clone().authenticate(handshake).await;
    presented.map_err(|error| error.to_string())
}

/// The sentence with which a token of the payload is refused, if it is.
async fn refused(jwt: &Jwt, token: &str) -> Option<String> {
    present(jwt, Some(token), &[]).await.err()
}

async fn name(jwt: &Jwt, changes: Value) -> String {
    let token = hs256_token(&claims(changes));
    let signed_in = present(jwt, Some(&token), &[]).await.unwrap().unwrap();
    signed_in.user.name
}

/// The same token with other claims, as a forger would have it.
fn with_claims_of(token: &str, other: &str) -> String {
    let own: Vec<_> = token.split('.').collect();
    let others: Vec<_> = other.split('.').collect();
    [own[0], others[1], own[2]].join(".")
}

#[tokio::test]
async fn a_good_token_signs_in_with_each_algorithm() {
    for (algorithm, jwt, key) in algorithms() {
        let claims = claims(json!({}));
        let token = signed(algorithm, &claims, &key);
        let signed_in = present(&jwt, Some(&token), &[]).await.unwrap().unwrap();
        let seconds = |claim| claims[claim].as_u64().map(|seconds| seconds * 1000);
        let expected = SignIn {
            user: User::new(7, "Ada"),
            issued: seconds("iat"),
            expires: seconds("exp"),
        };
        assert_eq!(signed_in, expected, "{algorithm:?}");
    }
}

#[tokio::test]
async fn with_each_algorithm_a_token_with_other_claims_or_without_signature_is_forged() {
    for (algorithm, jwt, key) in algorithms() {
        let token = signed(algorithm, &claims(json!({})), &key);
        let wish = signed(algorithm, &claims(json!({ "sub": "1" })), &key);
        let forged = with_claims_of(&token, &wish);
        let (unsigned, _) = token.rsplit_once('.').unwrap();
        for token in [forged, format!("{unsigned}."), unsigned.to_owned()] {
            assert_eq!(refused(&jwt, &token).await.unwrap(), NOT_VALID);
        }
    }
}

#[tokio::test]
async fn a_token_signed_with_somebody_elses_key_is_refused() {
    let claims = claims(json!({}));
    let secret = EncodingKey::from_secret(b"another test secret of over 32 bytes");
    let token = signed(Algorithm::HS256, &claims, &secret);
    assert_eq!(refused(&hs256(), &token).await.unwrap(), NOT_VALID);
    let key = EncodingKey::from_ec_pem(OTHER_EC_PRIVATE.as_bytes()).unwrap();
    let token = signed(Algorithm::ES256, &claims, &key);
    let jwt = Jwt::es256(EC_PUBLIC).unwrap();
    assert_eq!(refused(&jwt, &token).await.unwrap(), NOT_VALID);
}

#[tokio::test]
async fn with_each_algorithm_the_times_and_the_required_claims_count() {
    let now = get_current_timestamp();
    for (algorithm, jwt, key) in algorithms() {
        let jwt = jwt.issuer("https://issuer.example").audience("forum");
        let good = json!({ "iss": "https://issuer.example", "aud": ["wiki", "forum"] });
        let cases = [
            (json!({}), None),
            (json!({ "aud": "forum" }), None),
            (json!({ "nbf": now - 1 }), None),
            (json!({ "exp": now - 60 }), Some(EXPIRED)),
            (json!({ "exp": null }), Some(NOT_VALID)),
            (json!({ "exp": "tomorrow" }), Some(NOT_VALID)),
            (json!({ "nbf": now + 60 }), Some(NOT_VALID)),
            (json!({ "iss": "https://evil.example" }), Some(NOT_VALID)),
            (json!({ "iss": null }), Some(NOT_VALID)),
            (json!({ "aud": "wiki" }), Some(NOT_VALID)),
            (json!({ "aud": ["wiki"] }), Some(NOT_VALID)),
            (json!({ "aud": null }), Some(NOT_VALID)),
        ];
        for (changes, expected) in cases {
            let mut all = good.clone();
            for (claim, value) in changes.as_object().unwrap() {
                all[claim] = value.clone();
            }
            let token = signed(algorithm, &claims(all), &key);
            let sentence = refused(&jwt, &token).await;
            assert_eq!(sentence.as_deref(), expected, "{algorithm:?} {changes}");
        }
    }
}

#[tokio::test]
async fn a_token_that_calls_itself_unsigned_is_refused() {
    // {"alg":"none","typ":"JWT"}, and in the spellings with which others were fooled.
    for header in [
        "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0",
        "eyJhbGciOiJOb25lIiwidHlwIjoiSldUIn0",
        "eyJ0eXAiOiJKV1QifQ",
    ] {
        for (algorithm, jwt, key) in algorithms() {
            let token = signed(algorithm, &claims(json!({})), &key);
            let rest = token.split_once('.').unwrap().1;
            let (payload, signature) = rest.split_once('.').unwrap();
            for forged in [
                format!("{header}.{payload}."),
                format!("{header}.{payload}.{signature}"),
            ] {
                assert_eq!(refused(&jwt, &forged).await.unwrap(), NOT_VALID);
            }
        }
    }
}

#[tokio::test]
async fn a_public_key_used_as_a_secret_signs_nobody_in() {
    let claims = claims(json!({}));
    for (jwt, public) in [
        (Jwt::rs256(RSA_PUBLIC).unwrap(), RSA_PUBLIC),
        (Jwt::es256(EC_PUBLIC).unwrap(), EC_PUBLIC),
    ] {
        // As the file, and as what is in it.
        for secret in [public.as_bytes(), jwt.0.key.as_bytes()] {
            let key = EncodingKey::from_secret(secret);
            for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
                let token = signed(algorithm, &claims, &key);
                assert_eq!(refused(&jwt, &token).await.unwrap(), NOT_VALID);
            }
        }
    }
}

#[tokio::test]
async fn only_the_constructors_algorithm_counts_even_among_its_relatives() {
    let token = signed(
        Algorithm::HS512,
        &claims(json!({})),
        &EncodingKey::from_secret(SECRET),
    );
    assert_eq!(refused(&hs256(), &token).await.unwrap(), NOT_VALID);
    let rsa = EncodingKey::from_rsa_pem(RSA_PRIVATE.as_bytes()).unwrap();
    let token = signed(Algorithm::PS256, &claims(json!({})), &rsa);
    let jwt = Jwt::rs256(RSA_PUBLIC).unwrap();
    assert_eq!(refused(&jwt, &token).await.unwrap(), NOT_VALID);
}

#[tokio::test]
async fn a_token_meant_for_an_audience_is_refused_where_none_is_set() {
    let token = hs256_token(&claims(json!({ "aud": "wiki" })));
    assert_eq!(refused(&hs256(), &token).await.unwrap(), NOT_VALID);
}

#[tokio::test]
async fn a_token_that_demands_an_unknown_extension_is_refused() {
    let mut header = Header::new(Algorithm::HS256);
    header.crit = Some(vec!["http://example.com/UNDEFINED".to_owned()]);
    let key = EncodingKey::from_secret(SECRET);
    let token = encode(&header, &claims(json!({})), &key).unwrap();
    assert_eq!(refused(&hs256(), &token).await.unwrap(), NOT_VALID);
}

#[tokio::test]
async fn what_is_no_token_at_all_is_refused() {
    for token in [
        "Ada",
        "a.b",
        "a.b.c",
        "....",
        " ",
        "\u{1f511}.\u{1f511}.\u{1f511}",
    ] {
        assert_eq!(
            refused(&hs256(), token).await.unwrap(),
            NOT_VALID,
            "{token}"
        );
    }
}

#[tokio::test]
async fn clocks_may_differ_by_the_leeway() {
    let now = get_current_timestamp();
    let just_expired = hs256_token(&claims(json!({ "exp": now - 2 })));
    let from_soon_on = hs256_token(&claims(json!({ "nbf": now + 3 })));
    for token in [&just_expired, &from_soon_on] {
        assert_eq!(refused(&hs256(), token).await, None);
    }
    let strict = hs256().leeway(Duration::ZERO);
    assert_eq!(refused(&strict, &just_expired).await.unwrap(), EXPIRED);
    assert_eq!(refused(&strict, &from_soon_on).await.unwrap(), NOT_VALID);
    let generous = hs256().leeway(Duration::from_millis(59_500));
    let expired = hs256_token(&claims(json!({ "exp": now - 50 })));
    assert_eq!(refused(&generous, &expired).await, None);
    let endless = hs256().leeway(Duration::MAX);
    let expired = hs256_token(&claims(json!({ "exp": now - 2 * 24 * 3600 })));
    assert_eq!(refused(&endless, &expired).await.unwrap(), EXPIRED);
}

#[tokio::test]
async fn the_subject_is_text_or_a_number_and_must_be_an_id() {
    for (sub, id) in [(json!("auth0|9"), "auth0|9"), (json!(7), "7")] {
        let token = hs256_token(&claims(json!({ "sub": sub })));
        let signed_in = present(&hs256(), Some(&token), &[]).await.unwrap();
        assert_eq!(signed_in.unwrap().user.id.as_str(), id);
    }
    for sub in [
        json!(null),
        json!(""),
        json!("x".repeat(65)),
        json!(1.5),
        json!([7]),
    ] {
        let token = hs256_token(&claims(json!({ "sub": sub })));
        assert_eq!(refused(&hs256(), &token).await.unwrap(), NOT_VALID, "{sub}");
    }
}

#[tokio::test]
async fn the_name_falls_back_to_the_preferred_username_and_then_to_the_id() {
    let jwt = hs256();
    let both = json!({ "preferred_username": "ada" });
    assert_eq!(name(&jwt, both.clone()).await, "Ada");
    let second = json!({ "name": " ", "preferred_username": "ada" });
    assert_eq!(name(&jwt, second).await, "ada");
    assert_eq!(name(&jwt, json!({ "name": null })).await, "7");
    assert_eq!(name(&jwt, json!({ "name": 7 })).await, "7");
    let jwt = jwt.name_claim("nickname");
    assert_eq!(
        name(&jwt, json!({ "nickname": "Countess" })).await,
        "Countess"
    );
    assert_eq!(name(&jwt, both).await, "ada");
}

#[tokio::test]
async fn times_may_have_fractions_and_an_issue_time_may_be_missing() {
    let times = json!({ "iat": 1_700_000_000.25, "exp": 9_000_000_000.5 });
    let token = hs256_token(&claims(times));
    let signed_in = present(&hs256(), Some(&token), &[]).await.unwrap().unwrap();
    assert_eq!(signed_in.issued, Some(1_700_000_000_250));
    assert_eq!(signed_in.expires, Some(9_000_000_000_500));
    let token = hs256_token(&claims(json!({ "iat": null })));
    let signed_in = present(&hs256(), Some(&token), &[]).await.unwrap().unwrap();
    assert_eq!(signed_in.issued, None);
    for iat in [json!("today"), json!(-1)] {
        let token = hs256_token(&claims(json!({ "iat": iat })));
        assert_eq!(refused(&hs256(), &token).await.unwrap(), NOT_VALID);
    }
}

#[tokio::test]
async fn without_a_token_somebody_is_a_guest() {
    let jwt = hs256().cookie("session");
    assert_eq!(present(&jwt, None, &[]).await, Ok(None));
    assert_eq!(present(&jwt, Some(""), &[b"session="]).await, Ok(None));
    let token = hs256_token(&claims(json!({})));
    let cookie = format!("session={token}");
    assert_eq!(
        present(&hs256(), None, &[cookie.as_bytes()]).await,
        Ok(None),
        "cookies count only where one is named"
    );
}

#[tokio::test]
async fn the_named_cookie_signs_in_wherever_it_stands() {
    let jwt = hs256().cookie("session");
    let token = hs256_token(&claims(json!({})));
    let lines: [Vec<&[u8]>; 5] = [
        vec![b"session=", token.as_bytes()],
        vec![b"session=\"", token.as_bytes(), b"\""],
        vec![b"theme=dark; session = ", token.as_bytes(), b" ;x=y=z"],
        vec![b"session=;session=", token.as_bytes()],
        vec![b"odd=\xff\xfe; flag; session=", token.as_bytes()],
    ];
    for line in lines {
        let line = line.concat();
        let signed_in = present(&jwt, None, &[b"a=b", &line]).await.unwrap();
        assert_eq!(signed_in.unwrap().user.name, "Ada");
    }
    for neighbour in ["Session=", "xsession=", "x=session="] {
        let line = format!("{neighbour}{token}");
        assert_eq!(present(&jwt, None, &[line.as_bytes()]).await, Ok(None));
    }
}

#[tokio::test]
async fn a_cookie_that_is_expired_or_forged_makes_a_guest() {
    let jwt = hs256().cookie("session");
    let now = get_current_timestamp();
    let expired = hs256_token(&claims(json!({ "exp": now - 60 })));
    for token in [expired.as_str(), "forged", "a.b.c"] {
        let line = format!("session={token}");
        assert_eq!(present(&jwt, None, &[line.as_bytes()]).await, Ok(None));
    }
}

#[tokio::test]
async fn a_token_of_the_payload_goes_before_the_cookie_and_never_falls_back_to_it() {
    let jwt = hs256().cookie("session");
    let cookie = format!("session={}", hs256_token(&claims(json!({}))));
    let token = hs256_token(&claims(json!({ "sub": "8", "name": "Bob" })));
    let signed_in = present(&jwt, Some(&token), &[cookie.as_bytes()]).await;
    assert_eq!(signed_in.unwrap().unwrap().user.name, "Bob");
    let signed_in = present(&jwt, Some("forged"), &[cookie.as_bytes()]).await;
    assert_eq!(signed_in, Err(NOT_VALID.to_owned()));
}

#[test]
fn keys_that_are_weak_private_or_of_another_kind_are_refused_with_a_reason() {
    let refusal = |made: Result<Jwt, JwtError>| made.map(|_| ()).unwrap_err().to_string();
    assert!(refusal(Jwt::hs256(&[7; 31])).contains("at least 32"));
    assert!(Jwt::hs256(&[7; 32]).is_ok());
    assert!(refusal(Jwt::rs256(SMALL_RSA_PUBLIC)).contains("2048"));
    for pem in ["", "secret", RSA_PRIVATE, EC_PUBLIC, EC_PRIVATE] {
        assert!(refusal(Jwt::rs256(pem)).contains("BEGIN PUBLIC KEY"));
    }
    for pem in ["", RSA_PUBLIC, EC_PRIVATE, P384_PUBLIC] {
        assert!(refusal(Jwt::es256(pem)).contains("BEGIN PUBLIC KEY"));
    }
    let one_line = RSA_PUBLIC.replace('\n', "\\n");
    assert!(refusal(Jwt::rs256(one_line)).contains("line breaks"));
}

#[tokio::test]
async fn neither_the_token_nor_the_key_is_in_the_log() {
    static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());
    struct Log;
    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            LOG.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(|| Log)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let jwt = hs256().cookie("session");
    let now = get_current_timestamp();
    let forged = signed(
        Algorithm::HS256,
        &claims(json!({})),
        &EncodingKey::from_secret(b"another test secret of over 32 bytes"),
    );
    let tokens = [
        hs256_token(&claims(json!({ "exp": now - 60 }))),
        hs256_token(&claims(json!({ "sub": "secret\u{7}" }))),
        forged,
        "secret".to_owned(),
        "secret.secret.secret".to_owned(),
    ];
    for token in &tokens {
        assert!(present(&jwt, Some(token), &[]).await.is_err());
        let cookie = format!("session={token}");
        assert_eq!(present(&jwt, None, &[cookie.as_bytes()]).await, Ok(None));
    }
    tracing::debug!(?jwt, "made");
    let log = String::from_utf8(LOG.lock().unwrap().clone()).unwrap();
    assert_eq!(
        log.matches("refused a token").count(),
        tokens.len(),
        "{log}"
    );
    assert!(log.contains("it has expired"), "{log}");
    let parts = tokens.iter().flat_map(|token| token.split('.'));
    for secret in parts.chain([std::str::from_utf8(SECRET).unwrap(), "97, 32, 116, 101"]) {
        assert!(!log.contains(secret), "{log}");
    }
}
