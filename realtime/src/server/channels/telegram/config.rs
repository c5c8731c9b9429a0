//! Which bot, and how it hears what people say to it.

use std::{fmt, num::NonZeroU32, time::Duration};

use super::super::ChannelLimits;
use crate::server::config::{ConfigError, Lookup, site_url};

/// The Bot API that Telegram runs.
const TELEGRAM: &str = "https://api.telegram.org";

/// A bot of Telegram's, made with its BotFather, and how it is used.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TelegramConfig {
    /// Its token: a secret, which stands in no log and no error.
    pub(super) token: String,
    /// Where the Bot API is, without a slash at the end: Telegram's, or a server of one's own.
    pub api_url: String,
    /// How the bot hears what people say to it.
    pub updates: TelegramUpdates,
    /// The bot's name without `@`; none: the Bot API is asked for it, when it is first needed.
    pub bot_name: Option<String>,
    /// How fast it sends: 30 messages a second and one a second to a chat, as
    /// [Telegram allows](https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this).
    pub limits: ChannelLimits,
    /// What the bot answers.
    pub texts: TelegramTexts,
}

/// How a bot hears what people say to it, such as the code with which they link their chat.
#[derive(Clone, PartialEq, Eq)]
pub enum TelegramUpdates {
    /// It asks, on one instance at a time: works everywhere.
    Poll,
    /// It is told, at `{SITE_URL}/realtime/telegram`: the site must be reachable from outside by `https`.
    Webhook {
        /// What Telegram sends with what it tells: 16 to 256 letters, digits, `_` and `-`.
        secret: String,
    },
    /// It does not: the host hears it.
    None,
}

/// What a bot answers to people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct TelegramTexts {
    /// `{name}` in it stands for the person's name.
    pub linked: String,
    pub linked_before: String,
    pub unknown_code: String,
    pub help: String,
    pub unlinked: String,
    pub not_linked: String,
}

impl Default for TelegramTexts {
    fn default() -> Self {
        Self {
            linked:
                "The notifications of {name} will come here from now on. Send /stop to end that."
                    .into(),
            linked_before: "This chat is linked already. Send /stop to end that.".into(),
            unknown_code:
                "This link has expired, or was used before. Please get a new one on the site."
                    .into(),
            help: "To get your notifications here, please follow the link that the site gives you."
                .into(),
            unlinked: "You will get nothing more here.".into(),
            not_linked: "This chat was not linked.".into(),
        }
    }
}

impl fmt::Debug for TelegramUpdates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Poll => "Poll",
            Self::Webhook { .. } => "Webhook",
            Self::None => "None",
        })
    }
}

impl fmt::Debug for TelegramConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelegramConfig")
            .field("api_url", &self.api_url)
            .field("updates", &self.updates)
            .field("bot_name", &self.bot_name)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl TelegramConfig {
    /// The bot with this token, with defaults for the rest.
    ///
    /// # Errors
    /// When that is no token. The error does not say what it is.
    pub fn new(token: impl Into<String>) -> Result<Self, ConfigError> {
        let token = token.into();
        if !is_token(&token) {
            let fix = "expected a bot's token, such as 123456:ABC-DEF…, as @BotFather gives it";
            return Err(ConfigError::hidden("TELEGRAM_BOT_TOKEN", fix));
        }
        Ok(Self {
            token,
            api_url: TELEGRAM.to_owned(),
            updates: TelegramUpdates::Poll,
            bot_name: None,
            limits: ChannelLimits {
                per_second: NonZeroU32::new(30),
                per_address: Duration::from_secs(1),
                ..ChannelLimits::default()
            },
            texts: TelegramTexts::default(),
        })
    }

    /// What the environment says; nothing where it names no bot:
    ///
    /// | variable | meaning | default |
    /// |---|---|---|
    /// | `TELEGRAM_BOT_TOKEN` | the bot's token, as @BotFather gives it | none: no bot |
    /// | `TELEGRAM_UPDATES` | `poll`: the bot asks what people said; `webhook`: it is told, below `SITE_URL`; `none` | `poll` |
    /// | `TELEGRAM_WEBHOOK_SECRET` | what Telegram sends with what it tells: 16 to 256 letters, digits, `_` and `-` | |
    /// | `TELEGRAM_BOT_NAME` | the bot's name | asked of Telegram |
    /// | `TELEGRAM_API_URL` | where the Bot API is | `https://api.telegram.org` |
    ///
    /// # Errors
    /// When a variable cannot be used; the message names it, and nothing that is secret.
    pub fn from_env() -> Result<Option<Self>, ConfigError> {
        Self::from_lookup(|variable| std::env::var(variable).ok())
    }

    /// The same for a host that has its variables from elsewhere too: `get` returns a variable's value.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn from_lookup(get: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, ConfigError> {
        let get = |variable: &str| {
            let found = get(variable).map(|found| found.trim().to_owned());
            found.filter(|found| !found.is_empty())
        };
        let Some(token) = get("TELEGRAM_BOT_TOKEN") else {
            return Ok(None);
        };
        let mut config = Self::new(token)?;
        if let Some(url) = get("TELEGRAM_API_URL") {
            let uri = url.parse::<http::Uri>().ok();
            let scheme = uri.as_ref().and_then(http::Uri::scheme_str);
            if !matches!(scheme, Some("http" | "https")) {
                let fix = "expected an address like https://api.telegram.org";
                return Err(ConfigError::hidden("TELEGRAM_API_URL", fix));
            }
            config.api_url = url.trim_end_matches('/').to_owned();
        }
        config.bot_name =
            get("TELEGRAM_BOT_NAME").map(|name| name.trim_start_matches('@').to_owned());
        config.updates = match get("TELEGRAM_UPDATES").as_deref() {
            None | Some("poll") => TelegramUpdates::Poll,
            Some("none") => TelegramUpdates::None,
            Some("webhook") => webhook(&get)?,
            Some(found) => {
                let fix = "expected poll, webhook or none";
                return Err(ConfigError::shown(
                    "TELEGRAM_UPDATES",
                    found.to_owned(),
                    fix,
                ));
            }
        };
        Ok(Some(config))
    }
}

fn webhook(get: Lookup<'_>) -> Result<TelegramUpdates, ConfigError> {
    let secret = get("TELEGRAM_WEBHOOK_SECRET").unwrap_or_default();
    if !(16..=256).contains(&secret.len()) || !secret.bytes().all(is_word) {
        let fix = "TELEGRAM_UPDATES=webhook needs 16 to 256 random letters, digits, _ and -";
        return Err(ConfigError::hidden("TELEGRAM_WEBHOOK_SECRET", fix));
    }
    if site_url(get)?.is_none_or(|site| !site.starts_with("https://")) {
        let fix = "TELEGRAM_UPDATES=webhook needs the site's address, with https, to be told there";
        return Err(ConfigError::hidden("SITE_URL", fix));
    }
    Ok(TelegramUpdates::Webhook { secret })
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

fn is_token(token: &str) -> bool {
    token.split_once(':').is_some_and(|(bot, secret)| {
        !bot.is_empty()
            && bot.bytes().all(|byte| byte.is_ascii_digit())
            && (8..=128).contains(&secret.len())
            && secret.bytes().all(is_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11";

    fn from(variables: &[(&str, &str)]) -> Result<Option<TelegramConfig>, ConfigError> {
        TelegramConfig::from_lookup(|asked| {
            let found = variables.iter().find(|(variable, _)| *variable == asked);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_says_which_bot() {
        assert_eq!(from(&[]).unwrap(), None);
        assert_eq!(from(&[("TELEGRAM_BOT_TOKEN", " ")]).unwrap(), None);
        let config = from(&[("TELEGRAM_BOT_TOKEN", TOKEN)]).unwrap().unwrap();
        assert_eq!(config, TelegramConfig::new(TOKEN).unwrap());
        let config = from(&[
            ("TELEGRAM_BOT_TOKEN", TOKEN),
            ("TELEGRAM_API_URL", "http://127.0.0.1:8081/"),
            ("TELEGRAM_BOT_NAME", "@forum_bot"),
            ("TELEGRAM_UPDATES", "webhook"),
            ("TELEGRAM_WEBHOOK_SECRET", "0123456789abcdef"),
            ("SITE_URL", "https://forum.example"),
        ]);
        let config = config.unwrap().unwrap();
        assert_eq!(config.api_url, "http://127.0.0.1:8081");
        assert_eq!(config.bot_name.as_deref(), Some("forum_bot"));
        assert!(matches!(config.updates, TelegramUpdates::Webhook { .. }));
    }

    #[test]
    fn an_error_names_the_variable_and_nothing_secret() {
        let webhook = ("TELEGRAM_UPDATES", "webhook");
        let secret = ("TELEGRAM_WEBHOOK_SECRET", "hidden-0123456789");
        for (variable, more) in [
            (
                "TELEGRAM_BOT_TOKEN",
                &[("TELEGRAM_BOT_TOKEN", "hidden")][..],
            ),
            (
                "TELEGRAM_BOT_TOKEN",
                &[("TELEGRAM_BOT_TOKEN", "12:hidden/../x")],
            ),
            ("TELEGRAM_API_URL", &[("TELEGRAM_API_URL", "hidden")]),
            ("TELEGRAM_UPDATES", &[("TELEGRAM_UPDATES", "often")]),
            ("TELEGRAM_WEBHOOK_SECRET", &[webhook]),
            (
                "TELEGRAM_WEBHOOK_SECRET",
                &[webhook, ("TELEGRAM_WEBHOOK_SECRET", "hidden")],
            ),
            ("SITE_URL", &[webhook, secret]),
            (
                "SITE_URL",
                &[webhook, secret, ("SITE_URL", "http://forum.example")],
            ),
        ] {
            let mut variables = more.to_vec();
            variables.push(("TELEGRAM_BOT_TOKEN", TOKEN));
            let message = from(&variables).unwrap_err().to_string();
            assert!(message.starts_with(variable), "{message}");
            assert!(!message.contains("hidden"), "{message}");
        }
    }

    #[test]
    fn nothing_secret_is_shown() {
        let mut config = TelegramConfig::new(TOKEN).unwrap();
        let secret = "hidden-0123456789".to_owned();
        config.updates = TelegramUpdates::Webhook { secret };
        let shown = format!(
            "{config:?} {:?}",
            super::super::Telegram::new(config.clone())
        );
        assert!(
            !shown.contains("hidden") && !shown.contains("ABC"),
            "{shown}"
        );
    }
}
