//! E-mail: notifications through a mail server, by SMTP. An address is an e-mail address, which the host has confirmed.

use std::{error::Error, fmt};

use async_trait::async_trait;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox,
        header::{ContentType, Header, HeaderName, HeaderValue},
    },
};

use super::{Channel, ChannelLimits, ChannelMessage, SendError};
use crate::server::config::{ConfigError, Lookup};

/// The longest text of a message, in UTF-16 units.
const MAX_TEXT: usize = 64 * 1024;

/// The longest subject, the same.
const MAX_SUBJECT: usize = 200;

/// A mail server, and who writes through it.
#[derive(Clone)]
#[non_exhaustive]
pub struct SmtpConfig {
    /// Where it is, with the password.
    url: String,
    from: Mailbox,
    /// How fast it is used.
    pub limits: ChannelLimits,
}

impl fmt::Debug for SmtpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpConfig")
            .field("from", &self.from)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl SmtpConfig {
    /// A mail server by its address, and who messages come from, such as `The forum <no-reply@forum.example>`.
    ///
    /// # Errors
    /// When either cannot be read. The error does not say what the address is.
    pub fn new(url: impl Into<String>, from: &str) -> Result<Self, ConfigError> {
        let url = url.into();
        transport(&url)?;
        let Ok(from) = from.parse() else {
            let fix = "expected somebody like The forum <no-reply@forum.example>";
            return Err(ConfigError::shown("SMTP_FROM", from.to_owned(), fix));
        };
        Ok(Self {
            url,
            from,
            limits: ChannelLimits::default(),
        })
    }

    /// What the environment says; nothing where it names no mail server:
    ///
    /// | variable | meaning | default |
    /// |---|---|---|
    /// | `SMTP_URL` | `smtps://user:password@host:465`, or `smtp://user:password@host:587?tls=required` for STARTTLS | none |
    /// | `SMTP_FROM` | who messages come from, such as `The forum <no-reply@forum.example>` | |
    ///
    /// # Errors
    /// When a variable cannot be used; the message names it, and nothing that is secret.
    pub fn from_env() -> Result<Option<Self>, ConfigError> {
        Self::from_lookup(&|variable| std::env::var(variable).ok())
    }

    fn from_lookup(get: Lookup<'_>) -> Result<Option<Self>, ConfigError> {
        let url = get("SMTP_URL").map(|url| url.trim().to_owned());
        match url.filter(|url| !url.is_empty()) {
            None => Ok(None),
            Some(url) => Self::new(url, get("SMTP_FROM").unwrap_or_default().trim()).map(Some),
        }
    }
}

fn transport(url: &str) -> Result<AsyncSmtpTransport<Tokio1Executor>, ConfigError> {
    let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url);
    let transport = transport.map_err(|_| {
        let fix = "expected an address like smtps://user:password@host:465, and the system's certificates";
        ConfigError::hidden("SMTP_URL", fix)
    })?;
    Ok(transport.build())
}

/// The channel `email`: notifications by e-mail, to addresses that the host links
/// ([`Realtime::link_channel`](crate::Realtime::link_channel)).
pub struct Smtp {
    config: SmtpConfig,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Smtp").field(&self.config).finish()
    }
}

impl Smtp {
    /// Nothing is asked of the mail server yet.
    ///
    /// # Errors
    /// When its address cannot be used.
    pub fn new(config: SmtpConfig) -> Result<Self, ConfigError> {
        let transport = transport(&config.url)?;
        Ok(Self { config, transport })
    }
}

#[async_trait]
impl Channel for Smtp {
    fn name(&self) -> &'static str {
        "email"
    }

    fn limits(&self) -> ChannelLimits {
        self.config.limits
    }

    async fn send(&self, address: &str, message: &ChannelMessage) -> Result<(), SendError> {
        let Ok(to) = address.parse::<Mailbox>() else {
            return Err(SendError::Gone("this is no e-mail address".to_owned()));
        };
        let message = Message::builder()
            .from(self.config.from.clone())
            .to(to)
            .subject(ChannelMessage::new(&message.title).text(MAX_SUBJECT))
            .header(ContentType::TEXT_PLAIN)
            .header(Automatic)
            .body(message.text(MAX_TEXT))
            .map_err(|error| SendError::Refused(error.to_string()))?;
        match self.transport.send(message).await {
            Ok(_) => Ok(()),
            Err(error) => {
                let code = error.status().map(|code| code.to_string());
                let why = match error.source() {
                    Some(cause) => format!("{error}: {cause}"),
                    None => error.to_string(),
                };
                Err(refusal(code.as_deref(), error.is_permanent(), why))
            }
        }
    }
}

/// What is done about what a mail server says.
fn refusal(code: Option<&str>, permanent: bool, why: String) -> SendError {
    if !permanent {
        return SendError::later(why);
    }
    // RFC 3463: 5.1.x is about the address, 5.7.x about what may be sent, and so on. Not every server says it.
    let mut words = why.split(|letter: char| !letter.is_ascii_digit() && letter != '.');
    let said = words.find(|word| word.starts_with("5.") && word.split('.').count() == 3);
    match (code, said) {
        // Whoever we are to the server: nothing is wrong with the message.
        (Some("530" | "534" | "535" | "538"), _) => {
            tracing::error!(
                why,
                "the mail server does not let us in: is SMTP_URL right?"
            );
            SendError::later(why)
        }
        (_, Some(said)) if said.starts_with("5.1.") => SendError::Gone(why),
        _ => SendError::Refused(why),
    }
}

/// RFC 3834: nobody's absence note answers this.
#[derive(Clone)]
struct Automatic;

impl Header for Automatic {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(variables: &[(&str, &str)]) -> Result<Option<SmtpConfig>, ConfigError> {
        SmtpConfig::from_lookup(&|asked| {
            let found = variables.iter().find(|(variable, _)| *variable == asked);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_names_the_mail_server_and_errors_show_nothing_secret() {
        assert!(from(&[]).unwrap().is_none());
        let from_forum = ("SMTP_FROM", "The forum <no-reply@forum.example>");
        let url = ("SMTP_URL", "smtp://ada:hidden@mail.example:587");
        let config = from(&[url, from_forum]).unwrap().unwrap();
        let shown = format!("{config:?} {:?}", Smtp::new(config.clone()).unwrap());
        assert!(!shown.contains("hidden"), "{shown}");
        for (variable, variables) in [
            ("SMTP_URL", [("SMTP_URL", "hidden"), from_forum]),
            (
                "SMTP_URL",
                [("SMTP_URL", "http://ada:hidden@mail"), from_forum],
            ),
            ("SMTP_FROM", [url, ("SMTP_FROM", "forum")]),
            ("SMTP_FROM", [url, ("SMTP_FROM", "")]),
        ] {
            let message = from(&variables).unwrap_err().to_string();
            assert!(
                message.starts_with(variable) && !message.contains("hidden"),
                "{message}"
            );
        }
    }

    #[test]
    fn what_a_mail_server_says_is_read_as_what_is_to_be_done() {
        let refused = |code, why: &str| refusal(Some(code), true, why.to_owned());
        for gone in [
            refused("550", "permanent error (550): 5.1.1 User unknown"),
            refused("554", "permanent error (554): 5.1.2 no such host"),
        ] {
            assert!(matches!(gone, SendError::Gone(_)), "{gone}");
        }
        for refused in [
            refused("550", "permanent error (550): 5.7.1 looks like spam"),
            refused("550", "permanent error (550): blocked using a list"),
            refused("552", "permanent error (552): too large"),
        ] {
            assert!(matches!(refused, SendError::Refused(_)), "{refused}");
        }
        for later in [
            refused("535", "permanent error (535): 5.7.8 bad credentials"),
            refusal(
                Some("451"),
                false,
                "transient error (451): 4.7.1 greylisted".to_owned(),
            ),
            refusal(None, false, "timeout".to_owned()),
        ] {
            assert!(matches!(later, SendError::Later { .. }), "{later}");
        }
    }
}
