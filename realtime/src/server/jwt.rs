//! Signing in with JSON Web Tokens ([RFC 7519](https://www.rfc-editor.org/rfc/rfc7519)): a ready-made `authenticate`.

use std::{sync::Arc, time::Duration};

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, crypto::rust_crypto::DEFAULT_PROVIDER, decode,
    errors::ErrorKind,
};
use serde_json::{Map, Value};

use super::auth::{AuthError, Handshake, SignIn, cookie};
use crate::protocol::{UnixMillis, User, UserId};

/// The least secret of HS256, in bytes: that of its hash, as [RFC 7518] demands.
///
/// [RFC 7518]: https://www.rfc-editor.org/rfc/rfc7518#section-3.2
const MIN_SECRET: usize = 32;

/// Public keys of 2048 to 4096 bits, in DER. RFC 7518 allows no smaller ones, the verifier reads no greater ones.
const RSA_DER: std::ops::RangeInclusive<usize> = 256..=560;

/// The most leeway that makes sense. More would be no check at all.
const MAX_LEEWAY: Duration = Duration::from_secs(24 * 3600);

/// Checks JSON Web Tokens, which a host's own sign-in or an identity provider has issued. Cheap to clone.
///
/// The constructor fixes the algorithm and the key: what a token says about its algorithm is only compared. Then:
///
/// | claim | |
/// |---|---|
/// | `sub` | required: the person's id, as text of at most 64 bytes or a whole number |
/// | `exp` | required: from then on the token is refused, and it becomes [`SignIn::expires`] |
/// | `nbf` | before it the token is refused |
/// | `iat` | becomes [`SignIn::issued`], without which a revocation cannot tell old tokens from new ones |
/// | `iss` | required to be the one of [`issuer`](Self::issuer), where that is set |
/// | `aud` | required to have the one of [`audience`](Self::audience); where none is set, tokens with an `aud` are refused, because they are meant for somebody else |
/// | `name`, `preferred_username` | the name that others see; without either, the id |
///
/// ```
/// use leptos_realtime::{Jwt, Realtime, RealtimeConfig};
///
/// # async fn start(secret: &str) -> Result<Realtime, Box<dyn std::error::Error>> {
/// let jwt = Jwt::hs256(secret.as_bytes())?.issuer("https://forum.example").cookie("__Host-session");
/// let realtime = Realtime::builder(RealtimeConfig::from_env()?)
///     .authenticate(move |handshake| jwt.clone().authenticate(handshake))
///     .authorize(|_who, rooms, _access| async move { Ok(rooms) })
///     .start()
///     .await?;
/// # Ok(realtime)
/// # }
/// # tokio::runtime::Runtime::new()?.block_on(start("a secret of at least thirty-two bytes"))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "pass its `authenticate` to the builder"]
pub struct Jwt(Arc<Rules>);

#[derive(Clone, Debug)]
struct Rules {
    // Its `Debug` shows no key.
    key: DecodingKey,
    validation: Validation,
    cookie: Option<String>,
    name_claim: String,
}

/// Why a key is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JwtError {
    /// The secret could be guessed. It has this many bytes.
    #[error("the secret of HS256 must have at least {MIN_SECRET} random bytes, this one has {0}")]
    ShortSecret(usize),
    /// Not a public key of this algorithm, in PEM.
    #[error(
        "not a public key for {0}: expected PEM that begins with -----BEGIN PUBLIC KEY-----, its lines ended by line breaks"
    )]
    NotAPublicKey(&'static str),
    /// An RSA key that is too small to be safe, or too great to be read.
    #[error("the RSA key must have 2048 to 4096 bits")]
    RsaKeySize,
}

/// Why a token is not taken.
enum Refusal {
    Expired,
    /// For the log. In words of our own: a library's might cite the token.
    Invalid(&'static str),
}

impl Jwt {
    /// Tokens with an HMAC of SHA-256: whoever checks them could issue them too.
    ///
    /// # Errors
    /// When the secret has less than 32 bytes.
    pub fn hs256(secret: &[u8]) -> Result<Self, JwtError> {
        if secret.len() < MIN_SECRET {
            return Err(JwtError::ShortSecret(secret.len()));
        }
        let key = DecodingKey::from_secret(secret);
        Ok(Self::new(Algorithm::HS256, key))
    }

    /// Tokens signed with an RSA key (PKCS #1 v1.5 with SHA-256), as most identity providers issue them.
    ///
    /// # Errors
    /// When this is not a public RSA key in PEM, or one of less than 2048 or more than 4096 bits.
    pub fn rs256(public_key_pem: impl AsRef<[u8]>) -> Result<Self, JwtError> {
        let key = public(public_key_pem.as_ref(), DecodingKey::from_rsa_pem)
            .ok_or(JwtError::NotAPublicKey("RS256"))?;
        if !RSA_DER.contains(&key.as_bytes().len()) {
            return Err(JwtError::RsaKeySize);
        }
        Ok(Self::new(Algorithm::RS256, key))
    }

    /// Tokens signed with a key on the curve P-256.
    ///
    /// # Errors
    /// When this is not the public key of a point on that curve, in PEM.
    pub fn es256(public_key_pem: impl AsRef<[u8]>) -> Result<Self, JwtError> {
        let not_one = JwtError::NotAPublicKey("ES256");
        let Some(key) = public(public_key_pem.as_ref(), DecodingKey::from_ec_pem) else {
            return Err(not_one);
        };
        // The PEM may hold a point of another curve, which shows when it is used.
        if (DEFAULT_PROVIDER.verifier_factory)(&Algorithm::ES256, &key).is_err() {
            return Err(not_one);
        }
        Ok(Self::new(Algorithm::ES256, key))
    }

    fn new(algorithm: Algorithm, key: DecodingKey) -> Self {
        // The library chooses a backend by its features, and panics at the first token where a host's own dependencies
        // have switched on another one too. Whichever a host has installed before stays.
        let _ = DEFAULT_PROVIDER.install_default();
        let mut validation = Validation::new(algorithm);
        validation.validate_nbf = true;
        let rules = Rules {
            key,
            validation,
            cookie: None,
            name_claim: "name".to_owned(),
        };
        Self(Arc::new(rules)).leeway(Duration::from_secs(5))
    }

    /// Takes only tokens of this issuer (`iss`).
    pub fn issuer(self, issuer: &str) -> Self {
        self.with(|rules| {
            rules.validation.set_issuer(&[issuer]);
            require(rules, "iss");
        })
    }

    /// Takes only tokens that are meant for this audience (`aud`, one or a list).
    pub fn audience(self, audience: &str) -> Self {
        self.with(|rules| {
            rules.validation.set_audience(&[audience]);
            require(rules, "aud");
        })
    }

    /// Reads the token from this cookie, where the Socket.IO `auth` payload has none. Pages have only cookies.
    ///
    /// The prefix `__Host-` in the name keeps a neighbouring subdomain from setting it.
    pub fn cookie(self, name: &str) -> Self {
        self.with(|rules| rules.cookie = Some(name.to_owned()))
    }

    /// How far the clocks of the issuer and of this server may be apart (default: 5 s). In whole seconds, rounded up,
    /// at most a day.
    pub fn leeway(self, leeway: Duration) -> Self {
        let leeway = leeway.min(MAX_LEEWAY);
        let seconds = leeway.as_secs() + u64::from(leeway.subsec_nanos() > 0);
        self.with(|rules| rules.validation.leeway = seconds)
    }

    /// The claim with the name that others see (default: `name`). Where a token has none, or an empty one, it is
    /// `preferred_username`, and without that the id.
    pub fn name_claim(self, claim: &str) -> Self {
        self.with(|rules| rules.name_claim = claim.to_owned())
    }

    fn with(mut self, change: impl FnOnce(&mut Rules)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Who presents a token; `None` is a guest. For [`RealtimeBuilder::authenticate`](super::RealtimeBuilder::authenticate).
    ///
    /// Without a token somebody is a guest. So is whoever has a cookie that is expired or not valid: a browser sends it
    /// unasked, and the page still shows. A token in the `auth` payload is sent on purpose, and does not fall back to
    /// the cookie.
    ///
    /// # Errors
    /// [`AuthError::Rejected`] when the token of the `auth` payload is expired or not valid.
    pub async fn authenticate(self, handshake: Handshake) -> Result<Option<SignIn>, AuthError> {
        if let Some(token) = handshake.token().filter(|token| !token.is_empty()) {
            return match self.check(token.as_bytes()) {
                Ok(signed_in) => Ok(Some(signed_in)),
                Err(refusal) => {
                    tracing::debug!(reason = refusal.reason(), "refused a token");
                    Err(AuthError::rejected(refusal.sentence()))
                }
            };
        }
        let name = self.0.cookie.as_deref();
        let Some(token) = name.and_then(|name| cookie(handshake.parts(), name)) else {
            return Ok(None);
        };
        match self.check(token) {
            Ok(signed_in) => Ok(Some(signed_in)),
            Err(refusal) => {
                let reason = refusal.reason();
                tracing::debug!(reason, "took somebody with a token in a cookie for a guest");
                Ok(None)
            }
        }
    }

    fn check(&self, token: &[u8]) -> Result<SignIn, Refusal> {
        let token = decode::<Map<String, Value>>(token, &self.0.key, &self.0.validation)
            .map_err(|error| Refusal::from(error.kind()))?;
        if token.header.crit.is_some() {
            return Err(Refusal::Invalid("it demands extensions that are not known"));
        }
        let claims = token.claims;
        let id = claims
            .get("sub")
            .and_then(user_id)
            .ok_or(Refusal::Invalid("`sub` is not a person's id"))?;
        let name = [self.0.name_claim.as_str(), "preferred_username"]
            .into_iter()
            .filter_map(|claim| claims.get(claim)?.as_str())
            .map(str::trim)
            .find(|name| !name.is_empty())
            .unwrap_or(id.as_str())
            .to_owned();
        let issued = match claims.get("iat") {
            None | Some(Value::Null) => None,
            Some(time) => Some(millis(time).ok_or(Refusal::Invalid("`iat` is not a time"))?),
        };
        Ok(SignIn {
            user: User { id, name },
            issued,
            expires: claims.get("exp").and_then(millis),
        })
    }
}

impl Refusal {
    fn sentence(&self) -> &'static str {
        match self {
            Self::Expired => "this sign-in has expired: sign in again",
            Self::Invalid(_) => "this sign-in is not valid: sign in again",
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Expired => "it has expired",
            Self::Invalid(reason) => reason,
        }
    }
}

impl From<&ErrorKind> for Refusal {
    fn from(kind: &ErrorKind) -> Self {
        Self::Invalid(match kind {
            ErrorKind::ExpiredSignature => return Self::Expired,
            ErrorKind::ImmatureSignature => "it is not valid yet",
            ErrorKind::InvalidSignature => "its signature does not fit the key",
            ErrorKind::InvalidAlgorithm => "it is signed with another algorithm",
            ErrorKind::InvalidIssuer => "it is from another issuer",
            ErrorKind::InvalidAudience => "it is meant for another audience",
            ErrorKind::MissingRequiredClaim(_) => {
                "one of `exp`, `iss` and `aud` is missing or has the wrong type"
            }
            _ => "it cannot be read",
        })
    }
}

/// Without this, a token that leaves a claim out would pass the check of that claim.
fn require(rules: &mut Rules, claim: &str) {
    rules
        .validation
        .required_spec_claims
        .insert(claim.to_owned());
}

/// A public key in PEM. The reader takes private keys and certificates too, which then fit no token.
fn public(
    pem: &[u8],
    read: impl FnOnce(&[u8]) -> jsonwebtoken::errors::Result<DecodingKey>,
) -> Option<DecodingKey> {
    let label = std::str::from_utf8(pem).ok()?.trim_start();
    let labelled = [
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN RSA PUBLIC KEY-----",
    ]
    .iter()
    .any(|begin| label.starts_with(begin));
    if labelled { read(pem).ok() } else { None }
}

fn user_id(sub: &Value) -> Option<UserId> {
    match sub {
        Value::String(text) => UserId::try_from(text.as_str()).ok(),
        Value::Number(number) => number.as_i64().map(UserId::from),
        _ => None,
    }
}

/// A time of a token, which is in seconds and may have a fraction.
fn millis(time: &Value) -> Option<UnixMillis> {
    if let Some(seconds) = time.as_u64() {
        return Some(seconds.saturating_mul(1000));
    }
    // The cast saturates.
    time.as_f64()
        .filter(|seconds| *seconds >= 0.0)
        .map(|seconds| (seconds * 1000.0) as UnixMillis)
}

#[cfg(test)]
mod tests;
