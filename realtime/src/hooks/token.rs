//! Where a page gets its tokens.

use std::{fmt, future::Future, pin::Pin, sync::Arc};

type Next = Pin<Box<dyn Future<Output = Option<String>>>>;

/// Called for a token whenever one is needed: before each connect, and a while before the sign-in expires. `None` means
/// that there is none: the person connects as a guest, or goes on until the sign-in is over.
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
    pub fn new<F, Fut>(next: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Option<String>> + 'static,
    {
        Self(Arc::new(move || Box::pin(next())))
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSource")
    }
}
