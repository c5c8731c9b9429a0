//! The forum inside one request.

use http::{header, request::Parts};
use leptos::prelude::{expect_context, use_context};
use leptos_axum::ResponseOptions;
use leptos_realtime::Denied;

use super::{Forum, Rights};
use crate::{api::ApiError, model::Person};

/// What a server function works with.
pub struct Request {
    rights: Rights,
    parts: Option<Parts>,
}

impl Request {
    /// The request being answered.
    ///
    /// # Errors
    /// Where the server did not provide the forum.
    pub fn current() -> Result<Self, ApiError> {
        let rights = use_context()
            .ok_or_else(|| ApiError::Internal("the forum is not provided".to_owned()))?;
        Ok(Self {
            rights,
            parts: use_context(),
        })
    }

    /// The database.
    #[must_use]
    pub fn forum(&self) -> &Forum {
        self.rights.forum()
    }

    /// Who is signed in.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn person(&self) -> Result<Option<Person>, ApiError> {
        let Some(parts) = &self.parts else {
            return Ok(None);
        };
        self.rights
            .person(&parts.headers, None)
            .await
            .map_err(|error| {
                tracing::error!(%error, "a person could not be read");
                ApiError::Internal("the database".to_owned())
            })
    }

    /// Signs a person in, or out.
    ///
    /// # Errors
    /// When the cookie cannot be made.
    pub fn set_session(&self, person: Option<&Person>) -> Result<(), ApiError> {
        let cookie = self.rights.key().set_cookie(person);
        let cookie = cookie.ok_or_else(|| ApiError::Internal("the cookie".to_owned()))?;
        expect_context::<ResponseOptions>().append_header(header::SET_COOKIE, cookie);
        Ok(())
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied.0.message)
    }
}
