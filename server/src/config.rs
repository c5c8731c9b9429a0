//! The forum's configuration, from the environment.

use app::backend::SessionKey;
use leptos::{config::get_configuration, prelude::LeptosOptions};
use leptos_realtime::RealtimeConfig;
use tracing_subscriber::EnvFilter;

/// What the environment says.
pub struct Config {
    /// Where to listen, and where the site's files are.
    pub leptos: LeptosOptions,
    /// The forum's database.
    pub database_url: String,
    /// What signs sessions; without it, a secret kept in the database does.
    pub session_key: Option<SessionKey>,
    /// The realtime module's part.
    pub realtime: RealtimeConfig,
}

/// What is wrong with it.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A `LEPTOS_*` variable.
    #[error("the LEPTOS_* variables cannot be read")]
    Leptos(#[from] leptos::config::errors::LeptosConfigError),
    /// A secret that could be guessed.
    #[error("SESSION_SECRET is too short: use at least 32 random characters")]
    Secret,
    /// A `REALTIME_*` variable.
    #[error(transparent)]
    Realtime(#[from] leptos_realtime::server::ConfigError),
}

impl Config {
    /// Reads the environment.
    pub fn from_env() -> Result<Self, ConfigError> {
        let session_key = match std::env::var("SESSION_SECRET") {
            Ok(secret) => Some(SessionKey::new(&secret).ok_or(ConfigError::Secret)?),
            Err(_) => None,
        };
        Ok(Self {
            leptos: get_configuration(None)?.leptos_options,
            database_url: std::env::var("DATABASE_URL")
                .unwrap_or_else(|_| "sqlite:data/forum.db".to_owned()),
            session_key,
            realtime: RealtimeConfig::from_env()?,
        })
    }
}

/// What is logged: `RUST_LOG`, or what concerns an operator.
pub fn log_filter() -> EnvFilter {
    EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"))
}
