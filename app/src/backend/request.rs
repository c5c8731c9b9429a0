//! The forum inside one request.

use http::{StatusCode, header, request::Parts};
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
    /// Answers the request: an error sets the status of its response.
    ///
    /// # Errors
    /// Those of the answer, or where the server did not provide the forum.
    pub async fn answer<T>(
        answer: impl AsyncFnOnce(Self) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let parts: Option<Parts> = use_context();
        // A form sent without JavaScript is answered by a redirect, whose status must stay.
        let by_hand = parts.as_ref().is_some_and(accepts_html);
        let answered = match use_context() {
            Some(rights) => answer(Self { rights, parts }).await,
            None => Err(ApiError::Internal("the forum is not provided".to_owned())),
        };
        if let Err(error) = &answered
            && !by_hand
        {
            set_status(error);
        }
        answered
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

fn accepts_html(parts: &Parts) -> bool {
    let accept = parts.headers.get(header::ACCEPT);
    accept.is_some_and(|accept| accept.to_str().is_ok_and(|text| text.contains("text/html")))
}

/// Sets the response's status by what went wrong.
pub fn set_status(error: &ApiError) {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(match error {
            ApiError::NotFound => StatusCode::NOT_FOUND,
            ApiError::SignIn => StatusCode::UNAUTHORIZED,
            ApiError::Denied(_) => StatusCode::FORBIDDEN,
            ApiError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            ApiError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        });
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied.0.message)
    }
}
