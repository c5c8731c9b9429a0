//! The variables that are set, and where.

use std::{collections::BTreeMap, fmt, path::Path};

use leptos_realtime::RealtimeConfig;

use super::{ConfigError, dotenv};

/// Where a variable is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// In the process' environment.
    Environment,
    /// In the file for development.
    File,
    /// Nowhere.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Environment => "environment",
            Self::File => dotenv::NAME,
            Self::Default => "default",
        })
    }
}

/// What is set. Values may be secret, so there is no `Debug`.
#[derive(Clone, Default)]
pub struct Variables {
    environment: BTreeMap<String, String>,
    file: BTreeMap<String, String>,
}

impl Variables {
    /// The environment; and in development the file `.env` in the folder where the server is started, for what the
    /// environment does not say.
    ///
    /// # Errors
    /// When a variable that the forum reads is no text, or the file cannot be read.
    pub fn read() -> Result<Self, ConfigError> {
        let mut environment = BTreeMap::new();
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else {
                continue;
            };
            match value.into_string() {
                Ok(value) => _ = environment.insert(name, value),
                Err(_) if super::table::find(&name).is_some() => {
                    return Err(ConfigError::NotText(name));
                }
                Err(_) => {}
            }
        }
        let mut variables = Self {
            environment,
            file: BTreeMap::new(),
        };
        if cfg!(debug_assertions) && !variables.is_production() {
            variables.file = dotenv::read(Path::new(dotenv::NAME))?;
        }
        Ok(variables)
    }

    /// What the environment alone says of where this is.
    fn is_production(&self) -> bool {
        let decisive = ["APP_ENV", "RAILWAY_ENVIRONMENT_NAME", "RAILWAY_ENVIRONMENT"];
        let config = RealtimeConfig::from_lookup(|name| {
            let value = self.environment.get(name);
            value.filter(|_| decisive.contains(&name)).cloned()
        });
        config.is_ok_and(|config| config.production)
    }

    /// A variable's value.
    pub fn get(&self, name: &str) -> Option<String> {
        let said = self.environment.get(name).or_else(|| self.file.get(name));
        said.cloned()
    }

    /// Where it is from.
    pub fn source(&self, name: &str) -> Source {
        if self.environment.contains_key(name) {
            Source::Environment
        } else if self.file.contains_key(name) {
            Source::File
        } else {
            Source::Default
        }
    }

    /// The names of those that are set.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.environment
            .keys()
            .chain(self.file.keys())
            .map(String::as_str)
    }

    #[cfg(test)]
    pub(super) fn of(environment: &[(&str, &str)], file: &[(&str, &str)]) -> Self {
        let owned = |all: &[(&str, &str)]| {
            let all = all.iter();
            all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        Self {
            environment: owned(environment),
            file: owned(file),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_believed_before_the_file() {
        let variables = Variables::of(&[("A", "1")], &[("A", "2"), ("B", "3")]);
        let said = |name| (variables.get(name), variables.source(name));
        assert_eq!(said("A"), (Some("1".to_owned()), Source::Environment));
        assert_eq!(said("B"), (Some("3".to_owned()), Source::File));
        assert_eq!(said("C"), (None, Source::Default));
    }

    #[test]
    fn only_the_environment_says_that_this_is_production() {
        let production = |said: &[(&str, &str)]| Variables::of(said, &[]).is_production();
        assert!(!production(&[("REALTIME_FLOODS", "nonsense")]));
        assert!(production(&[
            ("RAILWAY_ENVIRONMENT_NAME", "main"),
            ("REALTIME_FLOODS", "nonsense")
        ]));
        assert!(production(&[("APP_ENV", "production")]));
        assert!(!Variables::of(&[], &[("APP_ENV", "production")]).is_production());
    }
}
