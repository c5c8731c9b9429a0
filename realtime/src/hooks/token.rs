//! Where a page gets its tokens.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

type Next = Pin<Box<dyn Future<Output = Result<Option<String>, String>>>>;

/// Called for a token whenever one is needed: before each connect, and a while before the sign-in expires. `Ok(None)` means
/// that there is none: the person connects as a guest. After an error, as when the host's server cannot be reached, it is
/// called again later, and nobody becomes a guest by that.
#[derive(Clone)]
pub struct TokenSource(
    #[cfg_attr(
        not(feature = "hydrate"),
        allow(dead_code, reason = "only a browser asks")
    )]
    pub(crate) Arc<dyn Fn() -> Next + Send + Sync>,
);

impl TokenSource {
    /// A source from a function, such as one that calls the host's server function.
    pub fn new<F, Fut, E>(next: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<String>, E>> + 'static,
        E: fmt::Display,
    {
        Self(Arc::new(move || {
            let next = next();
            Box::pin(async move { next.await.map_err(|error| error.to_string()) })
        }))
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSource")
    }
}
