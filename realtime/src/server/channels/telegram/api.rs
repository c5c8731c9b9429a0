//! The Bot API: one `POST` with JSON for each method, answered with JSON.

use std::{error::Error, sync::Arc, time::Duration};

use axum::body::{Body, to_bytes};
use http::{Request, StatusCode, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring::default_provider};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::time::timeout;

use super::{super::SendError, TelegramConfig};
use crate::server::ConfigError;

/// The largest answer that is read, in bytes: fifty updates of the longest messages are far smaller.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// How long a connection may be idle before it is closed.
const IDLE: Duration = Duration::from_secs(60);

/// Why a method was not carried out. No message names the address that was asked: the token is in it.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    /// The Bot API refuses.
    #[error("{code}: {description}")]
    Refused {
        code: u16,
        description: String,
        retry_after: Option<Duration>,
    },
    /// It does not answer, or not in a way that can be read. It may have been carried out.
    #[error("no answer: {0}")]
    Unanswered(String),
}

/// The parts of an answer. See <https://core.telegram.org/bots/api#making-requests>.
#[derive(Deserialize)]
struct Answer<T> {
    ok: bool,
    result: Option<T>,
    #[serde(default)]
    error_code: Option<u16>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    parameters: Option<Parameters>,
}

#[derive(Default, Deserialize)]
struct Parameters {
    #[serde(default)]
    retry_after: Option<u64>,
}

/// Something that may be any JSON.
type AnyAnswer = Answer<serde_json::Value>;

/// See the [module](self).
pub(super) struct Api {
    client: Client<HttpsConnector<HttpConnector>, Body>,
    /// With the token.
    base: String,
}

impl Api {
    pub(super) fn new(config: &TelegramConfig) -> Result<Self, ConfigError> {
        let builder = HttpsConnectorBuilder::new();
        let builder = if config.api_url.starts_with("https://") {
            let known = builder.with_provider_and_native_roots(default_provider());
            known.map_err(|error| {
                let fix = format!("Telegram's certificate cannot be checked ({error}): install ca-certificates, or name a file");
                ConfigError::hidden("SSL_CERT_FILE", fix)
            })?
        } else {
            let tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
                .with_safe_default_protocol_versions()
                .expect("ring has the default versions")
                .with_root_certificates(RootCertStore::empty())
                .with_no_client_auth();
            builder.with_tls_config(tls)
        };
        let connector = builder.https_or_http().enable_http1().build();
        Ok(Self {
            client: Client::builder(TokioExecutor::new())
                .pool_idle_timeout(IDLE)
                .build(connector),
            base: format!("{}/bot{}", config.api_url, config.token),
        })
    }

    /// Carries out a method, and waits for so long.
    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        parameters: &(impl Serialize + Sync),
        patience: Duration,
    ) -> Result<T, ApiError> {
        let body = serde_json::to_vec(parameters).map_err(|error| unanswered(&error))?;
        let request = Request::post(format!("{}/{method}", self.base))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .map_err(|_| ApiError::Unanswered("TELEGRAM_API_URL is no address".to_owned()))?;
        let answered = async {
            let answer = self.client.request(request).await;
            let (head, body) = answer.map_err(|error| unanswered(&error))?.into_parts();
            let body = to_bytes(Body::new(body), MAX_ANSWER).await;
            Ok((head.status, body.map_err(|error| unanswered(&error))?))
        };
        let (status, body) = timeout(patience, answered)
            .await
            .map_err(|_| ApiError::Unanswered(format!("nothing within {patience:?}")))??;
        read(status, &body)
    }
}

fn read<T: DeserializeOwned>(status: StatusCode, body: &[u8]) -> Result<T, ApiError> {
    let refused = |code, description: Option<String>, retry_after| ApiError::Refused {
        code,
        description: description.unwrap_or_default(),
        retry_after,
    };
    // Of something between, such as a proxy: it says nothing of the message, nor of its reader.
    let unreadable = || ApiError::Unanswered(format!("{status}, and no answer of the Bot API"));
    let Ok(answer) = serde_json::from_slice::<AnyAnswer>(body) else {
        return Err(unreadable());
    };
    if answer.ok && status.is_success() {
        let result = answer.result.unwrap_or_default();
        let result = serde_json::from_value(result);
        return result.map_err(|_| ApiError::Unanswered("the result cannot be read".to_owned()));
    }
    let code = answer.error_code.ok_or_else(unreadable)?;
    let parameters = answer.parameters.unwrap_or_default();
    let retry_after = parameters.retry_after.map(Duration::from_secs);
    Err(refused(code, answer.description, retry_after))
}

/// What went wrong, down to its cause.
fn unanswered(error: &dyn Error) -> ApiError {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    ApiError::Unanswered(text)
}

impl From<ApiError> for SendError {
    fn from(error: ApiError) -> Self {
        let (code, description, after) = match error {
            ApiError::Unanswered(why) => return Self::later(why),
            ApiError::Refused {
                code,
                description,
                retry_after,
            } => (code, description, retry_after),
        };
        let why = format!("{code}: {description}");
        match code {
            // Blocked by the person, or never started by them.
            403 => Self::Gone(description),
            400 if is_gone(&description) => Self::Gone(description),
            // The token, or the address of the Bot API: nothing is wrong with the message.
            401 | 404 => {
                tracing::error!(
                    code,
                    "the Bot API does not know this bot: is TELEGRAM_BOT_TOKEN right?"
                );
                Self::later(why)
            }
            400..=499 if code != 429 && code != 408 => Self::Refused(why),
            _ => Self::Later { after, why },
        }
    }
}

/// Whether a chat is no more, as far as this bot is concerned. The Bot API has no codes for it.
fn is_gone(description: &str) -> bool {
    let description = description.to_ascii_lowercase();
    [
        "chat not found",
        "user not found",
        "user is deactivated",
        "peer_id_invalid",
        "upgraded to a supergroup",
        "chat_write_forbidden",
    ]
    .iter()
    .any(|gone| description.contains(gone))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(status: u16, body: &str) -> Result<(), SendError> {
        let status = StatusCode::from_u16(status).unwrap();
        let read = read::<serde_json::Value>(status, body.as_bytes());
        read.map(drop).map_err(Into::into)
    }

    fn refused(code: u16, description: &str) -> SendError {
        let body = serde_json::json!({"ok": false, "error_code": code, "description": description});
        sent(code, &body.to_string()).unwrap_err()
    }

    #[test]
    fn an_answer_is_read_as_what_is_to_be_done() {
        assert_eq!(
            sent(200, r#"{"ok":true,"result":{"message_id":1}}"#),
            Ok(())
        );
        let busy = r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 7","parameters":{"retry_after":7}}"#;
        let SendError::Later { after, .. } = sent(429, busy).unwrap_err() else {
            panic!("later");
        };
        assert_eq!(after, Some(Duration::from_secs(7)));
        for gone in [
            refused(403, "Forbidden: bot was blocked by the user"),
            refused(400, "Bad Request: chat not found"),
            refused(400, "Bad Request: PEER_ID_INVALID"),
            refused(403, "Forbidden: user is deactivated"),
        ] {
            assert!(matches!(gone, SendError::Gone(_)), "{gone}");
        }
        for refused in [
            refused(400, "Bad Request: message is too long"),
            refused(413, "Request Entity Too Large"),
        ] {
            assert!(matches!(refused, SendError::Refused(_)), "{refused}");
        }
        for later in [
            refused(401, "Unauthorized"),
            refused(404, "Not Found"),
            refused(500, "Internal Server Error"),
            sent(502, "<html>Bad Gateway</html>").unwrap_err(),
            sent(403, "<html>Blocked by a proxy</html>").unwrap_err(),
            sent(403, r#"{"message":"blocked by a proxy"}"#).unwrap_err(),
            sent(200, "<html>Welcome</html>").unwrap_err(),
            sent(200, r#"{"ok":tr"#).unwrap_err(),
            sent(200, "").unwrap_err(),
            sent(500, r#"{"ok":true,"result":true}"#).unwrap_err(),
            sent(429, r#"{"ok":false,"parameters":{}}"#).unwrap_err(),
        ] {
            assert!(
                matches!(later, SendError::Later { after: None, .. }),
                "{later}"
            );
        }
    }
}
