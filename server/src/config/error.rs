//! What is wrong with the configuration.

use std::path::PathBuf;

/// Names the variable or the line, what was found there unless it may be secret, and what is expected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A variable of the forum's own.
    #[error("{variable} is {found:?}: {fix}")]
    Variable {
        /// Its name.
        variable: &'static str,
        /// Its value.
        found: String,
        /// What to write there.
        fix: &'static str,
    },
    /// A variable of the realtime module.
    #[error(transparent)]
    Realtime(#[from] leptos_realtime::server::ConfigError),
    /// A variable that no program could read.
    #[error("{0} is not valid UTF-8: write it anew")]
    NotText(String),
    /// A line of the file. What stands there may be secret.
    #[error("line {line} of {} cannot be read: expected NAME=value, with quotes around a value with spaces", file.display())]
    Line {
        /// The file's path.
        file: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// The file is there.
    #[error("{} cannot be read", file.display())]
    File {
        /// Its path.
        file: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
}

impl ConfigError {
    /// Shows what was found.
    pub(super) fn shown(variable: &'static str, found: String, fix: &'static str) -> Self {
        Self::Variable {
            variable,
            found,
            fix,
        }
    }
}
