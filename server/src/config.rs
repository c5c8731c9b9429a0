//! The forum's configuration, from the environment.

use app::backend::SignInPolicy;
use leptos::{config::get_configuration, prelude::LeptosOptions};
use leptos_realtime::{RealtimeConfig, TelegramConfig};
use tracing_subscriber::EnvFilter;

/// What the environment says.
pub struct Config {
    /// Where to listen, and where the site's files are.
    pub leptos: LeptosOptions,
    /// The forum's database.
    pub database_url: String,
    /// How people may sign in.
    pub sign_in: SignInPolicy,
    /// The bot that sends people's notifications, where there is one.
    pub telegram: Option<TelegramConfig>,
    /// The realtime module's part.
    pub realtime: RealtimeConfig,
}

/// What is wrong with it.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A `LEPTOS_*` variable.
    #[error("the LEPTOS_* variables cannot be read")]
    Leptos(#[from] leptos::config::errors::LeptosConfigError),
    /// Neither yes nor no.
    #[error("DEMO_SIGN_IN is {0:?}: expected true or false")]
    Demo(String),
    /// A `REALTIME_*` variable.
    #[error(transparent)]
    Realtime(#[from] leptos_realtime::server::ConfigError),
}

impl Config {
    /// Reads the environment.
    pub fn from_env() -> Result<Self, ConfigError> {
        let realtime = RealtimeConfig::from_env()?;
        let secure = realtime
            .site_url
            .as_ref()
            .is_some_and(|site| site.starts_with("https://"));
        Ok(Self {
            leptos: get_configuration(None)?.leptos_options,
            database_url: std::env::var("DATABASE_URL")
                .unwrap_or_else(|_| "sqlite:data/forum.db".to_owned()),
            sign_in: SignInPolicy {
                demo: demo(std::env::var("DEMO_SIGN_IN").ok(), realtime.production)?,
                secure,
            },
            telegram: TelegramConfig::from_env()?,
            realtime,
        })
    }
}

/// Whether anybody may look around by a name alone: as it is said, or else in development only.
fn demo(said: Option<String>, production: bool) -> Result<bool, ConfigError> {
    match said.as_deref().map(str::trim) {
        None | Some("") => Ok(cfg!(debug_assertions) && !production),
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(other) => Err(ConfigError::Demo(other.to_owned())),
    }
}

/// What is logged: `RUST_LOG`, or what concerns an operator.
pub fn log_filter() -> EnvFilter {
    EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_alone_is_enough_in_development_only_unless_it_is_said() {
        let of = |said: Option<&str>, production| demo(said.map(str::to_owned), production).ok();
        assert_eq!(of(None, true), Some(false));
        assert_eq!(of(None, false), Some(cfg!(debug_assertions)));
        assert_eq!(of(Some("true"), true), Some(true));
        assert_eq!(of(Some("false"), false), Some(false));
        assert_eq!(of(Some("perhaps"), false), None);
    }
}
