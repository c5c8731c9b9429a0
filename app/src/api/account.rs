//! Who somebody is: signing up, in and out.

use leptos::{prelude::*, server_fn::codec::GetUrl};
use leptos_realtime::LinkedChannel;

use super::ApiError;
#[cfg(feature = "ssr")]
use super::local_path;
#[cfg(feature = "ssr")]
use crate::backend::{Request, names};
use crate::model::{Account, Person, Session};

/// Who is signed in.
#[server(prefix = "/api", endpoint = "person", input = GetUrl)]
pub async fn current_account() -> Result<Option<Account>, ApiError> {
    Request::answer(async |request| request.account().await).await
}

/// Makes an account, and signs in.
#[server(prefix = "/api", endpoint = "sign_up")]
pub async fn sign_up(
    name: String,
    password: String,
    next: Option<String>,
) -> Result<Person, ApiError> {
    Request::answer(async |request| {
        let name = names::new_name(&name)?;
        names::new_password(&password, &name)?;
        request.attempts().sign_up(request.address())?;
        let person = request.forum().sign_up(&name, &password).await?;
        request.sign_in(&person).await?;
        leptos_axum::redirect(&local_path(next.as_deref()));
        Ok(person)
    })
    .await
}

/// Signs in with a name and a password.
#[server(prefix = "/api", endpoint = "sign_in")]
pub async fn sign_in(
    name: String,
    password: String,
    next: Option<String>,
) -> Result<Person, ApiError> {
    Request::answer(async |request| {
        // What nobody can be called or have is not looked for.
        if names::plain(&name).is_empty() {
            return Err(ApiError::Invalid("A name is needed.".to_owned()));
        }
        if name.len() > 1_000 || password.len() > 4 * names::MAX_PASSWORD {
            return Err(ApiError::Invalid(
                "This name and this password do not belong together.".to_owned(),
            ));
        }
        let key = names::plain(&name).to_lowercase();
        request.attempts().sign_in(request.address(), &key)?;
        let person = request.forum().sign_in(&name, &password).await?;
        request.sign_in(&person).await?;
        leptos_axum::redirect(&local_path(next.as_deref()));
        Ok(person)
    })
    .await
}

/// Whether anybody may look around by a name alone: see [`look_around`].
#[server(prefix = "/api", endpoint = "demo", input = GetUrl)]
pub async fn may_look_around() -> Result<bool, ApiError> {
    Request::answer(async |request| Ok(request.policy().demo)).await
}

/// Signs in by a name alone, in development.
#[server(prefix = "/api", endpoint = "look_around")]
pub async fn look_around(name: String, next: Option<String>) -> Result<Person, ApiError> {
    Request::answer(async |request| {
        if !request.policy().demo {
            return Err(ApiError::Denied(
                "Here people sign in with a password.".to_owned(),
            ));
        }
        let name = names::new_name(&name)?;
        let person = request.forum().look_around(&name).await?;
        request.sign_in(&person).await?;
        leptos_axum::redirect(&local_path(next.as_deref()));
        Ok(person)
    })
    .await
}

/// Takes another name. Everybody who is here sees it at once; what is written already shows it when it is loaded again.
#[server(prefix = "/api", endpoint = "rename")]
pub async fn rename(name: String) -> Result<Person, ApiError> {
    Request::answer(async |request| {
        let person = request.somebody().await?;
        let name = names::new_name(&name)?;
        let key = format!("\u{1}name {}", person.id);
        request.attempts().sign_in(request.address(), &key)?;
        let person = request.forum().rename(person.id, &name).await?;
        request.realtime().recheck(person.id).await;
        Ok(person)
    })
    .await
}

/// Takes another password, and signs out in all other browsers.
#[server(prefix = "/api", endpoint = "change_password")]
pub async fn change_password(current: String, new: String) -> Result<(), ApiError> {
    Request::answer(async |request| {
        let person = request.somebody().await?;
        names::new_password(&new, &person.name)?;
        // By the id: a name can be changed. No name begins so.
        let key = format!("\u{1}password {}", person.id);
        request.attempts().sign_in(request.address(), &key)?;
        request.change_password(&person, &current, &new).await
    })
    .await
}

/// Signs out, in this browser.
#[server(prefix = "/api", endpoint = "sign_out")]
pub async fn sign_out() -> Result<(), ApiError> {
    Request::answer(async |request| request.sign_out().await).await
}

/// Signs out in all browsers, and ends what these have open.
#[server(prefix = "/api", endpoint = "sign_out_everywhere")]
pub async fn sign_out_everywhere() -> Result<(), ApiError> {
    Request::answer(async |request| {
        let person = request.somebody().await?;
        request.sign_out_everywhere(&person).await?;
        leptos_axum::redirect("/sign-in");
        Ok(())
    })
    .await
}

/// Signs out in one of the person's other browsers, and ends what that has open.
#[server(prefix = "/api", endpoint = "end_session")]
pub async fn end_session(session: String) -> Result<(), ApiError> {
    Request::answer(async |request| {
        let person = request.somebody().await?;
        request.forum().end_one_session(person.id, &session).await?;
        // Also where it was ended before: what is open may not have heard of it.
        request.realtime().recheck(person.id).await;
        Ok(())
    })
    .await
}

/// Where the person is signed in; nowhere, for a guest.
#[server(prefix = "/api", endpoint = "sessions", input = GetUrl)]
pub async fn my_sessions() -> Result<Vec<Session>, ApiError> {
    Request::answer(async |request| match request.person().await? {
        Some(person) => request.sessions(&person).await,
        None => Ok(Vec::new()),
    })
    .await
}

/// Where else the person's notifications reach them; nowhere, for a guest.
#[server(prefix = "/api", endpoint = "channels", input = GetUrl)]
pub async fn my_channels() -> Result<Vec<LinkedChannel>, ApiError> {
    Request::answer(async |request| match request.person().await? {
        Some(_) => Ok(leptos_realtime::server_fns::linked_channels().await?),
        None => Ok(Vec::new()),
    })
    .await
}

/// Sends the person to where they link a channel, such as a bot's chat.
#[server(prefix = "/api", endpoint = "link_channel")]
pub async fn link_channel(channel: String) -> Result<(), ApiError> {
    Request::answer(async |_| {
        let code = leptos_realtime::server_fns::link_channel(channel).await?;
        leptos_axum::redirect(&code.url);
        Ok(())
    })
    .await
}

/// Sends nothing more to a channel.
#[server(prefix = "/api", endpoint = "unlink_channel")]
pub async fn unlink_channel(channel: String) -> Result<(), ApiError> {
    Request::answer(async |_| Ok(leptos_realtime::server_fns::unlink_channel(channel).await?)).await
}
