//! The scripts that Redis runs. Each changes, numbers and publishes in one step, and is documented in its own file.

use std::sync::LazyLock;

/// A script, and the name under which Redis keeps it.
pub(crate) struct Script {
    pub(crate) text: &'static str,
    pub(crate) sha: String,
}

impl Script {
    pub(super) fn new(text: &'static str) -> Self {
        let sha = redis::Script::new(text).get_hash().to_owned();
        Self { text, sha }
    }
}

macro_rules! scripts {
    ($($name:ident = $($file:literal)+;)*) => {
        $(pub(crate) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new(concat!($(include_str!(concat!("scripts/", $file, ".lua"))),+)));)*
    };
}

scripts! {
    APPEND = "room" "append";
    ENTER = "room" "enter";
    EXIT = "room" "exit";
    SNAPSHOT = "room" "snapshot";
    RENEW = "room" "renew";
    PURGE = "room" "purge";
    REPEAT = "room" "repeat";
    HEADS = "heads";
    BEAT = "nodes" "beat";
    CLAIM = "nodes" "claim";
    INDEX = "nodes" "index";
    SWEPT = "nodes" "swept";
}
