//! The forum inside one request.

use http::{StatusCode, header, request::Parts};
use leptos::prelude::{expect_context, use_context};
use leptos_axum::ResponseOptions;
use leptos_realtime::{Denied, ErrorCode, ProtocolError, Realtime};

use super::{
    Attempts, Forum, Rights, SignInPolicy,
    cookie::{self, TokenHash},
    rights::presented,
    sessions,
};
use crate::{
    api::ApiError,
    model::{Account, Person, Session, Viewer},
};

/// What a server function works with.
pub struct Request {
    rights: Rights,
    parts: Option<Parts>,
    /// Asked for at the beginning: what a page provides is gone with its reader, and its data may still be on the way.
    realtime: Realtime,
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
            Some(rights) => {
                let realtime = leptos_realtime::expect_realtime();
                let request = Self {
                    rights,
                    parts,
                    realtime,
                };
                answer(request).await
            }
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

    /// The realtime module.
    #[must_use]
    pub fn realtime(&self) -> Realtime {
        self.realtime.clone()
    }

    pub(crate) fn policy(&self) -> SignInPolicy {
        self.rights.policy()
    }

    pub(crate) fn attempts(&self) -> &Attempts {
        self.rights.attempts()
    }

    /// From where it comes, as far as that can be trusted.
    pub(crate) fn address(&self) -> Option<std::net::IpAddr> {
        self.realtime().client_address(self.parts.as_ref()?)
    }

    /// Who is signed in.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn person(&self) -> Result<Option<Person>, ApiError> {
        Ok(self.account().await?.map(|account| account.person))
    }

    /// Who is signed in, and whether they look after the site.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn account(&self) -> Result<Option<Account>, ApiError> {
        let Some(parts) = &self.parts else {
            return Ok(None);
        };
        let signed_in = self.rights.signed_in(&parts.headers, None).await?;
        Ok(signed_in.map(|signed_in| Account {
            person: signed_in.person,
            operator: signed_in.operator,
        }))
    }

    /// Only for operators.
    ///
    /// # Errors
    /// As [`account`](Self::account), and for everybody else.
    pub(crate) async fn operators_only(&self) -> Result<(), ApiError> {
        match self.account().await? {
            None => Err(ApiError::SignIn),
            Some(account) if !account.operator => {
                Err(ApiError::Denied("This page is for operators.".to_owned()))
            }
            Some(_) => Ok(()),
        }
    }

    /// Who is signed in, as an error where nobody is.
    ///
    /// # Errors
    /// As [`person`](Self::person), and for guests.
    pub(crate) async fn somebody(&self) -> Result<Person, ApiError> {
        self.person().await?.ok_or(ApiError::SignIn)
    }

    /// Who looks at a page of a community.
    ///
    /// # Errors
    /// As [`person`](Self::person).
    pub(crate) async fn viewer(&self, community: i64) -> Result<Option<Viewer>, ApiError> {
        let Some(person) = self.person().await? else {
            return Ok(None);
        };
        let role = self.forum().role(community, person.id).await?;
        Ok(Some(Viewer { person, role }))
    }

    /// Signs a person in, in the browser that asks.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn sign_in(&self, person: &Person) -> Result<(), ApiError> {
        // What this browser had before is nobody's any more.
        self.end_session().await?;
        let agent = self
            .parts
            .as_ref()
            .and_then(|parts| parts.headers.get(header::USER_AGENT));
        let device = sessions::device(agent.and_then(|agent| agent.to_str().ok()));
        let token = self.forum().begin_session(person.id, &device).await?;
        set_cookie(token.set_cookie(self.policy().secure))
    }

    /// Signs out, in the browser that asks.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn sign_out(&self) -> Result<(), ApiError> {
        self.end_session().await?;
        set_cookie(cookie::clear_cookie(self.policy().secure))
    }

    /// Gives a person another password, and signs them out in all browsers but the one that asks.
    ///
    /// # Errors
    /// As [`Forum::change_password`].
    pub(crate) async fn change_password(
        &self,
        person: &Person,
        current: &str,
        new: &str,
    ) -> Result<(), ApiError> {
        let (forum, here) = (self.forum(), self.presented());
        let changed = forum.change_password(person.id, current, new, here.as_ref());
        changed.await?;
        self.realtime().recheck(person.id).await;
        Ok(())
    }

    /// Signs a person out in all of their browsers, and ends what these have open.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn sign_out_everywhere(&self, person: &Person) -> Result<(), ApiError> {
        self.forum().end_sessions(person.id).await?;
        self.realtime().revoke(person.id).await.map_err(|error| {
            tracing::error!(%error, "a person's connections could not be ended");
            ApiError::Internal("revoking".to_owned())
        })?;
        set_cookie(cookie::clear_cookie(self.policy().secure))
    }

    /// The person's sessions.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn sessions(&self, person: &Person) -> Result<Vec<Session>, ApiError> {
        let here = self.presented();
        Ok(self.forum().sessions(person.id, here.as_ref()).await?)
    }

    /// What is kept of the session of the browser that asks.
    fn presented(&self) -> Option<TokenHash> {
        presented(&self.parts.as_ref()?.headers, None)
    }

    async fn end_session(&self) -> Result<(), ApiError> {
        let here = self.presented();
        if let Some(here) = here
            && let Some(person) = self.forum().end_session(&here).await?
        {
            // What it has open ends too, whoever holds it.
            self.realtime().recheck(person).await;
        }
        Ok(())
    }
}

fn set_cookie(cookie: Option<http::HeaderValue>) -> Result<(), ApiError> {
    let cookie = cookie.ok_or_else(|| ApiError::Internal("the cookie".to_owned()))?;
    expect_context::<ResponseOptions>().append_header(header::SET_COOKIE, cookie);
    Ok(())
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
            ApiError::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            ApiError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        });
    }
}

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied.0.message)
    }
}

impl From<ProtocolError> for ApiError {
    fn from(error: ProtocolError) -> Self {
        match error.code {
            ErrorCode::Unauthorized => Self::SignIn,
            ErrorCode::Unavailable => Self::Internal(error.message),
            _ => Self::Denied(error.message),
        }
    }
}
