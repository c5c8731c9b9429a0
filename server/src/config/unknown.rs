//! Variables that look like ours and that nobody reads: most likely a slip of the pen.

use super::{Variables, table};

/// What the realtime module's variables begin with.
const PREFIX: &str = "REALTIME_";

/// Warns of each, and names the variable that may be meant.
pub fn warn_of_unknown(variables: &Variables) {
    for name in unknown(variables.names()) {
        tracing::warn!("{}", sentence(name));
    }
}

/// Those of these names that nobody reads.
pub(super) fn unknown<'a>(names: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    names.filter(|name| name.starts_with(PREFIX) && table::find(name).is_none())
}

/// What is said of one.
pub(super) fn sentence(name: &str) -> String {
    let nearest = table::all()
        .filter(|variable| variable.name.starts_with(PREFIX))
        .min_by_key(|variable| strsim::damerau_levenshtein(variable.name, name));
    let nearest = nearest.map_or("", |variable| variable.name);
    format!("{name} is set, and nothing reads it: is {nearest} meant?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_told_what_may_be_meant() {
        let names = ["REALTIME_FLOODS", "REALTIME_FLODS", "PATH"];
        let found: Vec<_> = unknown(names.into_iter()).collect();
        assert_eq!(found, ["REALTIME_FLODS"]);
        for (slip, meant) in [
            ("REALTIME_FLODS", "REALTIME_FLOODS"),
            ("REALTIME_PING_INTERVAL", "REALTIME_PING_INTERVAL_MS"),
            ("REALTIME_TRUSTED_PROXY", "REALTIME_TRUSTED_PROXIES"),
        ] {
            let said = sentence(slip);
            assert!(said.ends_with(&format!("is {meant} meant?")), "{said}");
        }
    }
}
