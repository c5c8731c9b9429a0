//! Figures as people read them, and what there is to worry about.

use super::{Link, NodeStatus, Nodes, RedisReport, Standing};

/// More than this waiting for slow readers is said, in bytes.
const MUCH: u64 = 1_000_000;

/// A whole number: `12,345`.
#[must_use]
pub fn count(number: f64) -> String {
    let digits = format!("{:.0}", number.max(0.0));
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So much each second: `0.5/s`, `1,234/s`.
#[must_use]
pub fn rate(number: f64) -> String {
    match number {
        number if number <= 0.0 => "0/s".to_owned(),
        number if number < 9.95 => format!("{}/s", short(number)),
        number => format!("{}/s", count(number)),
    }
}

/// An amount of memory, or of what waits: `1.8 MB`.
#[must_use]
pub fn bytes(number: f64) -> String {
    let units = ["kB", "MB", "GB"];
    if number < 1_000.0 {
        return format!("{number:.0} B");
    }
    let mut number = number;
    let mut unit = "B";
    for larger in units {
        // What would be written as 1000 of a unit is 1 of the next.
        if number < 999.5 {
            break;
        }
        (number, unit) = (number / 1_000.0, larger);
    }
    match number < 9.95 {
        true => format!("{} {unit}", short(number)),
        false => format!("{} {unit}", count(number)),
    }
}

/// A short time: `0.4 ms`.
#[must_use]
pub fn milliseconds(number: f64) -> String {
    match number {
        number if number < 0.05 => "under 0.1 ms".to_owned(),
        number if number < 9.95 => format!("{} ms", short(number)),
        number => format!("{} ms", count(number)),
    }
}

/// With one digit after the point, if that is not 0.
fn short(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// A long time, of milliseconds: `3 h 12 min`.
#[must_use]
pub fn span(ms: u64) -> String {
    let seconds = ms / 1_000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match () {
        () if days > 0 => format!("{days} d {} h", hours % 24),
        () if hours > 0 => format!("{hours} h {} min", minutes % 60),
        () if minutes > 0 => format!("{minutes} min"),
        () => format!("{seconds} s"),
    }
}

/// What an operator should look at, in sentences that stay as they are while it lasts; nothing, if all is well.
#[must_use]
pub fn concerns(nodes: &Nodes) -> Vec<String> {
    let mut said = Vec::new();
    if nodes.all().is_empty() {
        said.push("No instance is heard of: these figures are none.".to_owned());
    }
    for node in nodes.all() {
        let name = &node.name;
        match nodes.standing(node) {
            Standing::Silent => {
                said.push(format!("{name} is silent."));
                continue;
            }
            Standing::Expected => continue,
            Standing::Heard => {}
        }
        let Some(report) = &node.report else {
            continue;
        };
        if report.database == Link::Down {
            said.push(format!("{name} cannot reach its database."));
        }
        match report.status {
            NodeStatus::Degraded => said.push(format!(
                "{name} is cut off from the others: what happens there is seen there alone until Redis is back."
            )),
            NodeStatus::Draining => said.push(format!("{name} is about to end.")),
            NodeStatus::Ready | NodeStatus::Unready => {}
        }
    }
    let any = |of: fn(&super::NodeReport) -> u64| nodes.reports().map(of).sum::<u64>() > 0;
    if nodes.reports().map(|one| one.now.unsent).sum::<u64>() > MUCH {
        said.push("Much waits for readers who are slow.".to_owned());
    }
    if any(|one| one.now.unpublished) {
        said.push("Events wait until the other instances can be reached.".to_owned());
    }
    if any(|one| one.total.dropped) {
        said.push("Some events were never published: too many waited, or for too long.".to_owned());
    }
    if matches!(nodes.redis(), Some(RedisReport::Up(redis)) if redis.evicted > 0) {
        said.push("Redis throws keys away because its memory is used up.".to_owned());
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operators::{Counts, Load, NodeReport, report::tests::report};

    #[test]
    fn figures_are_short_and_never_longer_than_they_are_exact() {
        for (number, text) in [
            (0.0, "0"),
            (999.0, "999"),
            (12_345.0, "12,345"),
            (1e6, "1,000,000"),
        ] {
            assert_eq!(count(number), text);
        }
        for (number, text) in [
            (0.0, "0/s"),
            (0.5, "0.5/s"),
            (2.0, "2/s"),
            (9.97, "10/s"),
            (1_234.4, "1,234/s"),
        ] {
            assert_eq!(rate(number), text);
        }
        for (number, text) in [
            (0.0, "0 B"),
            (999.0, "999 B"),
            (1_835_008.0, "1.8 MB"),
            (999_900.0, "1 MB"),
            (25_000.0, "25 kB"),
            (5e12, "5,000 GB"),
        ] {
            assert_eq!(bytes(number), text);
        }
        for (number, text) in [
            (0.01, "under 0.1 ms"),
            (0.42, "0.4 ms"),
            (1.0, "1 ms"),
            (250.0, "250 ms"),
        ] {
            assert_eq!(milliseconds(number), text);
        }
        for (ms, text) in [
            (1_999, "1 s"),
            (60_000, "1 min"),
            (11_520_000, "3 h 12 min"),
            (180_000_000, "2 d 2 h"),
        ] {
            assert_eq!(span(ms), text);
        }
    }

    #[test]
    fn nothing_is_said_while_all_is_well_and_each_worry_has_a_sentence() {
        let mut nodes = Nodes::begin(report("a", 1), Vec::new());
        assert_eq!(concerns(&nodes), Vec::<String>::new());
        nodes.hear(
            NodeReport {
                status: NodeStatus::Degraded,
                database: Link::Down,
                now: Load {
                    unsent: MUCH + 1,
                    unpublished: 3,
                    ..Load::default()
                },
                total: Counts {
                    dropped: 1,
                    ..Counts::default()
                },
                ..report("a", 2)
            },
            0,
        );
        let said = concerns(&nodes);
        for part in [
            "forum-a cannot reach its database",
            "forum-a is cut off from the others",
            "slow",
            "Events wait",
            "never published",
        ] {
            assert!(
                said.iter().any(|one| one.contains(part)),
                "{part}: {said:?}"
            );
        }
        assert_eq!(said.len(), 5);
        let mut now = 0;
        while nodes.standing(&nodes.all()[0]) == Standing::Heard {
            now += 2_000;
            nodes.pass(now);
        }
        assert_eq!(concerns(&nodes), ["forum-a is silent."]);
    }
}
