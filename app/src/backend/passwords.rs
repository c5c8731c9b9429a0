//! Passwords, of which only hashes are kept: Argon2id, with the parameters that OWASP recommends.

use std::sync::{Arc, LazyLock};

use argon2::{
    Argon2, PasswordHash, PasswordHasher, PasswordVerifier,
    password_hash::{SaltString, rand_core::OsRng},
};
use tokio::sync::Semaphore;

use crate::api::ApiError;

/// How many are worked on at the same time: each takes 19 MiB for some tens of milliseconds.
const AT_ONCE: usize = 4;

static TURNS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(AT_ONCE)));

/// What a password is compared with where there is none: so that an answer takes as long for a name that nobody has.
static NOBODY: LazyLock<String> = LazyLock::new(|| {
    let salt = SaltString::generate(&mut OsRng);
    let hash = Argon2::default().hash_password(b"nobody's", &salt);
    hash.map(|hash| hash.to_string()).unwrap_or_default()
});

/// A new hash of a password.
pub(super) async fn hash(password: String) -> Result<String, ApiError> {
    in_turn(move || {
        let salt = SaltString::generate(&mut OsRng);
        let hash = Argon2::default().hash_password(password.as_bytes(), &salt);
        hash.map(|hash| hash.to_string()).map_err(|error| {
            tracing::error!(%error, "a password could not be hashed");
            ApiError::Internal("hashing".to_owned())
        })
    })
    .await?
}

/// Whether this is the password with this hash. Without a hash it is not, and that takes as long.
pub(super) async fn is_right(password: String, hash: Option<String>) -> Result<bool, ApiError> {
    in_turn(move || {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| NOBODY.clone());
        let fits = PasswordHash::new(&hash).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
        });
        known && fits
    })
    .await
}

/// Away from the threads that serve requests.
async fn in_turn<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    let failed = || ApiError::Internal("hashing".to_owned());
    let turn = TURNS.clone().acquire_owned().await.map_err(|_| failed())?;
    let done = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    done.await.map_err(|_| failed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_password_fits_its_hash() {
        let hash = hash("a lantern in the rain".to_owned()).await.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        let fits = |password: &str, hash: Option<&str>| {
            is_right(password.to_owned(), hash.map(str::to_owned))
        };
        assert!(fits("a lantern in the rain", Some(&hash)).await.unwrap());
        assert!(!fits("a lantern in the sun", Some(&hash)).await.unwrap());
        assert!(!fits("nobody's", None).await.unwrap());
        assert!(!fits("", Some("")).await.unwrap());
        let again = super::hash("a lantern in the rain".to_owned())
            .await
            .unwrap();
        assert_ne!(again, hash, "each has a salt of its own");
    }
}
