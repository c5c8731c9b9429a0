//! The forum's configuration: one struct, from the environment and in development from a file.
//!
//! ```text
//! environment, .env ──► Variables ──► Config ──► the server
//!                           └── check: what is set, where, and whether it can be used
//! ```
//!
//! [`table`] lists every variable; the tests hold it against what is read here and in the realtime module, and against
//! `docs/OPERATIONS.md`.

pub mod check;
mod dotenv;
mod error;
mod listen;
mod table;
#[cfg(test)]
mod tests;
mod unknown;
mod variables;

use std::{fmt, str::FromStr};

use app::backend::SignInPolicy;
pub use error::ConfigError;
use leptos::{config::ReloadWSProtocol, prelude::LeptosOptions};
use leptos_realtime::{RealtimeConfig, TelegramConfig, server::Rate};
pub use listen::Listen;
pub use table::help;
use tracing_subscriber::EnvFilter;
pub use unknown::warn_of_unknown;
pub use variables::Variables;

use crate::logs::Format;

/// Where variables are looked up.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What the variables say.
pub struct Config {
    /// Where to listen.
    pub listen: Listen,
    /// Where the site's files are, if they are not in the executable, and how they are reloaded in development.
    pub leptos: LeptosOptions,
    /// The forum's database. It may hold a password.
    pub database_url: String,
    /// How people may sign in.
    pub sign_in: SignInPolicy,
    /// The bot that sends people's notifications, where there is one.
    pub telegram: Option<TelegramConfig>,
    /// How log lines look.
    pub log_format: Format,
    /// The collector that takes spans, and the name of the service whose they are; none: they are not gathered.
    pub traces: Option<(String, String)>,
    /// How often one address may ask; none: as often as it likes.
    pub requests_per_address: Option<Rate>,
    /// Whether the site is reached by HTTPS alone.
    pub https: bool,
    /// The realtime module's part.
    pub realtime: RealtimeConfig,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = table::find("DATABASE_URL").is_some_and(|url| url.is_shown(&self.database_url));
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .field("leptos", &self.leptos)
            .field("database_url", &shown.then_some(&self.database_url))
            .field("sign_in", &self.sign_in)
            .field("telegram", &self.telegram)
            .field("log_format", &self.log_format)
            .field("traces", &self.traces)
            .field("requests_per_address", &self.requests_per_address)
            .field("https", &self.https)
            .field("realtime", &self.realtime)
            .finish()
    }
}

impl Config {
    /// What these variables say.
    ///
    /// # Errors
    /// When one cannot be used; the message names it, what was found unless it may be secret, and what is expected.
    pub fn from_variables(variables: &Variables) -> Result<Self, ConfigError> {
        Self::from_lookup(&|name| variables.get(name))
    }

    fn from_lookup(get: Lookup<'_>) -> Result<Self, ConfigError> {
        let listen = Listen::from_lookup(get)?;
        let realtime = RealtimeConfig::from_lookup(get)?;
        let secure = realtime
            .site_url
            .as_ref()
            .is_some_and(|site| site.starts_with("https://"));
        Ok(Self {
            listen,
            leptos: leptos(get)?,
            database_url: text(get, "DATABASE_URL"),
            sign_in: SignInPolicy {
                demo: demo(set(get, "DEMO_SIGN_IN"), realtime.production)?,
                secure,
            },
            telegram: TelegramConfig::from_lookup(get)?,
            log_format: log_format(set(get, "LOG_FORMAT"), realtime.production)?,
            traces: collector(get)?.map(|endpoint| (endpoint, text(get, "OTEL_SERVICE_NAME"))),
            requests_per_address: rate(get, "REQUESTS_PER_ADDRESS")?,
            https: secure && realtime.production,
            realtime,
        })
    }
}

/// A variable's value; a reference to something that is not there is often empty.
fn set(get: Lookup<'_>, name: &str) -> Option<String> {
    get(name).filter(|value| !value.trim().is_empty())
}

/// A variable's value, or what the table says that it is without one.
fn text(get: Lookup<'_>, name: &str) -> String {
    let default = || table::find(name).and_then(|variable| variable.default());
    set(get, name).unwrap_or_else(|| default().unwrap_or_default().to_owned())
}

/// What Leptos knows of the site. `cargo leptos` and `cargo xtask run` say it in the environment.
fn leptos(get: Lookup<'_>) -> Result<LeptosOptions, ConfigError> {
    let reload_port = number(get, "LEPTOS_RELOAD_PORT")?.unwrap_or(3001);
    let protocol = text(get, "LEPTOS_RELOAD_WS_PROTOCOL");
    let protocol = match protocol.as_str() {
        "ws" => ReloadWSProtocol::WS,
        "wss" => ReloadWSProtocol::WSS,
        _ => {
            return Err(ConfigError::shown(
                "LEPTOS_RELOAD_WS_PROTOCOL",
                protocol,
                "expected ws or wss",
            ));
        }
    };
    Ok(LeptosOptions::builder()
        .output_name(text(get, "LEPTOS_OUTPUT_NAME"))
        .site_root(text(get, "LEPTOS_SITE_ROOT"))
        .site_pkg_dir(text(get, "LEPTOS_SITE_PKG_DIR"))
        .reload_port(reload_port)
        .reload_external_port(number(get, "LEPTOS_RELOAD_EXTERNAL_PORT")?)
        .reload_ws_protocol(protocol)
        .build())
}

fn number<T: FromStr>(get: Lookup<'_>, name: &'static str) -> Result<Option<T>, ConfigError> {
    let read = |found: String| match found.trim().parse() {
        Ok(number) => Ok(number),
        Err(_) => Err(ConfigError::shown(name, found, "expected a whole number")),
    };
    set(get, name).map(read).transpose()
}

/// Whether anybody may look around by a name alone: as it is said, or else in development only.
fn demo(said: Option<String>, production: bool) -> Result<bool, ConfigError> {
    match said.as_deref().map(str::trim) {
        None => Ok(cfg!(debug_assertions) && !production),
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(other) => {
            let found = other.to_owned();
            Err(ConfigError::shown(
                "DEMO_SIGN_IN",
                found,
                "expected true or false",
            ))
        }
    }
}

/// A line for people; where nobody says otherwise, for machines in production.
fn log_format(said: Option<String>, production: bool) -> Result<Format, ConfigError> {
    match said.as_deref().map(str::trim) {
        None if production => Ok(Format::Json),
        None | Some("text") => Ok(Format::Text),
        Some("json") => Ok(Format::Json),
        Some(other) => {
            let found = other.to_owned();
            Err(ConfigError::shown(
                "LOG_FORMAT",
                found,
                "expected text or json",
            ))
        }
    }
}

/// Where spans go.
fn collector(get: Lookup<'_>) -> Result<Option<String>, ConfigError> {
    const NAME: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let Some(found) = set(get, NAME) else {
        return Ok(None);
    };
    match found.trim().strip_prefix("http://") {
        Some(host) if !host.is_empty() && !host.contains(char::is_whitespace) => {
            Ok(Some(found.trim().to_owned()))
        }
        _ => {
            let fix = "expected an address like http://localhost:4318: a collector nearby, which encrypts what it passes on";
            Err(ConfigError::shown(NAME, found, fix))
        }
    }
}

/// Two whole numbers, how many come back each second and how many may be used at once; `0`: none.
fn rate(get: Lookup<'_>, name: &'static str) -> Result<Option<Rate>, ConfigError> {
    let found = text(get, name);
    if found.trim() == "0" {
        return Ok(None);
    }
    let numbers = found.split_once(',').and_then(|(per_second, burst)| {
        Some(Rate {
            per_second: per_second.trim().parse().ok()?,
            burst: burst.trim().parse().ok()?,
        })
    });
    match numbers {
        Some(rate) => Ok(Some(rate)),
        None => {
            let fix = "expected two whole numbers like 50,300, or 0 for no limit";
            Err(ConfigError::shown(name, found, fix))
        }
    }
}

/// The forum's database, for who needs nothing else.
pub fn database_url(variables: &Variables) -> String {
    text(&|name| variables.get(name), "DATABASE_URL")
}

/// What is logged.
///
/// # Errors
/// When `RUST_LOG` is no filter.
pub fn log_filter(variables: &Variables) -> Result<EnvFilter, ConfigError> {
    let get: Lookup<'_> = &|name| variables.get(name);
    let filter = text(get, "RUST_LOG");
    EnvFilter::try_new(&filter).map_err(|_| {
        let fix = "expected levels like info or info,sqlx=warn";
        ConfigError::shown("RUST_LOG", filter, fix)
    })
}
