//! The instances as a page knows them.

use std::collections::VecDeque;

use super::{EVERY, KnownNode, NodeReport, NodeStatus, RedisReport, RedisServers};

/// After how long an instance that says nothing is called silent, in milliseconds: it may be busy with looking at what
/// it needs, which takes some seconds where that does not answer.
const SILENT: u64 = 4 * EVERY;

/// After how long it goes.
const GONE: u64 = 10 * EVERY;

/// How far back the history reaches, in milliseconds.
pub(super) const KEPT: u64 = 3 * 60_000;

/// All instances, and how much they carried together of late. Times are in milliseconds, by the page's own clock.
#[derive(Clone, Debug)]
pub struct Nodes {
    /// By their names.
    nodes: Vec<Node>,
    past: VecDeque<Sample>,
    now: u64,
}

/// One instance.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub run: String,
    pub name: String,
    pub leaving: bool,
    /// What it said last.
    pub report: Option<NodeReport>,
    /// What it did between its last two reports.
    pub rates: Option<Rates>,
    heard: u64,
}

/// Whether an instance is heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Others know it, and it has not spoken yet.
    Expected,
    Heard,
    Silent,
}

/// What was done, each second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    pub published: f64,
    /// Events, once for each viewer to whom they went.
    pub delivered: f64,
    /// Changes of presence that came.
    pub presence: f64,
    pub joins: f64,
    pub slow: f64,
    /// How long Redis took to answer on average, in milliseconds.
    pub trip: Option<f64>,
}

/// How much all instances that are heard of carried at some moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    pub at: u64,
    pub connections: f64,
    pub rooms: f64,
    pub published: f64,
    pub delivered: f64,
    pub unsent: f64,
    pub slow: f64,
    /// The slowest instance's, in milliseconds.
    pub trip: Option<f64>,
}

impl Nodes {
    /// As the page's first HTML has them: no time has passed.
    #[must_use]
    pub fn begin(own: NodeReport, known: Vec<KnownNode>) -> Self {
        let expected = known.into_iter().map(|known| Node {
            run: known.run,
            name: known.name,
            leaving: known.leaving,
            report: None,
            rates: None,
            heard: 0,
        });
        let mut nodes = Self {
            nodes: expected.collect(),
            past: VecDeque::new(),
            now: 0,
        };
        nodes.hear(own, 0);
        nodes
    }

    /// An instance has spoken.
    pub fn hear(&mut self, report: NodeReport, now: u64) {
        let known = self.nodes.iter_mut().find(|node| node.run == report.run);
        match known {
            Some(node) => node.hear(report, now),
            None => {
                let mut node = Node {
                    run: report.run.clone(),
                    name: report.name.clone(),
                    leaving: false,
                    report: None,
                    rates: None,
                    heard: now,
                };
                node.hear(report, now);
                self.nodes.push(node);
            }
        }
        let by_name = |a: &Node, b: &Node| (&a.name, &a.run).cmp(&(&b.name, &b.run));
        self.nodes.sort_by(by_name);
    }

    /// Time passes: whoever has been silent for too long goes, and the history goes on. Time in which the page slept is
    /// nobody's silence.
    pub fn pass(&mut self, now: u64) {
        let passed = now.saturating_sub(self.now);
        let slept = if passed > SILENT { passed - EVERY } else { 0 };
        for node in &mut self.nodes {
            node.heard = (node.heard + slept).min(now);
        }
        self.now = now;
        self.nodes
            .retain(|node| now.saturating_sub(node.heard) <= GONE);
        self.past
            .retain(|sample| now.saturating_sub(sample.at) <= KEPT);
        // Before there are two reports nothing is known to be 0.
        if self.heard().any(|node| node.rates.is_some()) {
            self.past.push_back(self.total());
        }
    }

    /// All of them, by name.
    #[must_use]
    pub fn all(&self) -> &[Node] {
        &self.nodes
    }

    /// How it is with one of them.
    #[must_use]
    pub fn standing(&self, node: &Node) -> Standing {
        match self.now.saturating_sub(node.heard) > SILENT {
            true => Standing::Silent,
            false if node.report.is_none() => Standing::Expected,
            false => Standing::Heard,
        }
    }

    /// Those that are heard of.
    pub fn heard(&self) -> impl Iterator<Item = &Node> {
        let is_heard = |node: &&Node| self.standing(node) == Standing::Heard;
        self.nodes.iter().filter(is_heard)
    }

    /// What those that are heard of said last.
    pub fn reports(&self) -> impl Iterator<Item = &NodeReport> {
        self.heard().filter_map(|node| node.report.as_ref())
    }

    /// What they carry together, now.
    #[must_use]
    pub fn total(&self) -> Sample {
        let reports: Vec<_> = self.reports().collect();
        let rates: Vec<_> = self.heard().filter_map(|node| node.rates).collect();
        let carried =
            |of: fn(&NodeReport) -> u64| reports.iter().map(|one| of(one)).sum::<u64>() as f64;
        let done = |of: fn(&Rates) -> f64| rates.iter().map(of).sum::<f64>();
        let trips = rates.iter().filter_map(|rates| rates.trip);
        Sample {
            at: self.now,
            connections: carried(|one| one.now.connections),
            rooms: carried(|one| one.now.rooms),
            published: done(|rates| rates.published),
            delivered: done(|rates| rates.delivered),
            unsent: carried(|one| one.now.unsent),
            slow: done(|rates| rates.slow),
            trip: trips.reduce(f64::max),
        }
    }

    /// Whether there has been time for rates.
    #[must_use]
    pub fn has_rates(&self) -> bool {
        self.heard().any(|node| node.rates.is_some())
    }

    /// One figure of the last minutes, each with how long ago that was, until now.
    pub fn history(&self, of: impl Fn(&Sample) -> Option<f64>) -> Vec<(u64, f64)> {
        let of = |sample: &Sample| Some((self.now.saturating_sub(sample.at), of(sample)?));
        let past = self.past.iter().filter(|sample| sample.at < self.now);
        // What was heard since the clock's last tick counts too.
        let now = self.has_rates().then(|| self.total());
        past.chain(&now).filter_map(of).collect()
    }

    /// How Redis is, by whoever knows more: one that reaches it.
    #[must_use]
    pub fn redis(&self) -> Option<&RedisReport> {
        let knows = |redis: &&RedisReport| matches!(redis, RedisReport::Up(RedisServers { .. }));
        let mut all = self.reports().map(|report| &report.redis);
        let first = all.next();
        match first.filter(knows) {
            Some(up) => Some(up),
            None => all.find(knows).or(first),
        }
    }
}

impl Node {
    fn hear(&mut self, report: NodeReport, now: u64) {
        if let Some(before) = &self.report {
            // Signals have no order, and the page's first HTML may be newer.
            let Some(passed) = report
                .uptime
                .checked_sub(before.uptime)
                .filter(|ms| *ms > 0)
            else {
                return;
            };
            self.rates = Some(Rates::between(before, &report, passed));
        }
        self.heard = now;
        self.leaving = report.status == NodeStatus::Draining;
        self.report = Some(report);
    }
}

impl Rates {
    /// `passed` is in milliseconds.
    fn between(before: &NodeReport, after: &NodeReport, passed: u64) -> Self {
        let (before, after) = (&before.total, &after.total);
        let grown = |before: u64, after: u64| after.saturating_sub(before) as f64;
        let rate = |before, after| grown(before, after) * 1_000.0 / passed as f64;
        let trips = grown(before.trips, after.trips);
        Self {
            published: rate(before.published, after.published),
            delivered: rate(before.delivered, after.delivered),
            presence: rate(before.presence, after.presence),
            joins: rate(before.joins, after.joins),
            slow: rate(before.slow, after.slow),
            trip: (trips > 0.0).then(|| grown(before.trip_time, after.trip_time) / trips / 1_000.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operators::{Counts, Link, Load, report::tests::report};

    fn counted(run: &str, uptime: u64, published: u64, connections: u64) -> NodeReport {
        NodeReport {
            total: Counts {
                published,
                delivered: 10 * published,
                trips: published,
                trip_time: 500 * published,
                ..Counts::default()
            },
            now: Load {
                connections,
                ..Load::default()
            },
            ..report(run, uptime)
        }
    }

    fn names(nodes: &Nodes) -> Vec<(&str, Standing)> {
        let all = nodes.all().iter();
        all.map(|node| (node.run.as_str(), nodes.standing(node)))
            .collect()
    }

    #[test]
    fn rates_are_differences_by_the_instances_own_clock() {
        let mut nodes = Nodes::begin(counted("a", 10_000, 100, 3), Vec::new());
        assert_eq!(nodes.all()[0].rates, None, "one report has no rate");
        // It came late, which says nothing of what was done.
        nodes.hear(counted("a", 14_000, 120, 4), 9_000);
        let rates = nodes.all()[0].rates.unwrap();
        assert_eq!((rates.published, rates.delivered), (5.0, 50.0));
        assert_eq!(rates.trip, Some(0.5), "in milliseconds");
        // What is older than what is known changes nothing.
        nodes.hear(counted("a", 12_000, 110, 9), 9_100);
        assert_eq!(nodes.all()[0].rates, Some(rates));
        assert_eq!(nodes.total().connections, 4.0);
        nodes.hear(counted("a", 16_000, 120, 4), 11_000);
        let still = nodes.all()[0].rates.unwrap();
        assert_eq!((still.published, still.trip), (0.0, None));
    }

    #[test]
    fn all_instances_are_added_up_and_each_run_is_one() {
        let known = |run: &str| KnownNode {
            run: run.to_owned(),
            name: format!("forum-{run}"),
            leaving: false,
        };
        let mut nodes = Nodes::begin(counted("b", 1_000, 0, 2), vec![known("b"), known("a")]);
        assert_eq!(
            names(&nodes),
            [("a", Standing::Expected), ("b", Standing::Heard)]
        );
        assert_eq!(nodes.total().connections, 2.0);
        nodes.hear(counted("a", 1_000, 0, 5), 100);
        nodes.hear(counted("a", 3_000, 4, 5), 2_100);
        nodes.hear(counted("b", 3_000, 6, 2), 2_100);
        let total = nodes.total();
        assert_eq!((total.connections, total.published), (7.0, 5.0));
        // It was restarted: another run of the same name begins at 0, and no rate is below it.
        nodes.hear(counted("c", 100, 0, 1), 2_200);
        nodes.hear(counted("c", 2_100, 0, 1), 4_200);
        assert_eq!(nodes.all().len(), 3);
        assert!(nodes.total().published >= 0.0);
    }

    #[test]
    fn who_says_nothing_is_silent_then_gone_and_does_not_count_meanwhile() {
        let mut nodes = Nodes::begin(counted("a", 1_000, 0, 1), Vec::new());
        nodes.pass(1_000);
        nodes.hear(counted("b", 1_000, 0, 10), 1_000);
        let mut uptime = 1_000;
        let mut seen = Vec::new();
        for now in (3_000..=31_000).step_by(2_000) {
            uptime += 2_000;
            nodes.hear(counted("a", uptime, 0, 1), now);
            nodes.pass(now);
            let standing = names(&nodes).get(1).map(|(_, standing)| *standing);
            assert_eq!(
                nodes.total().connections,
                if standing == Some(Standing::Heard) {
                    11.0
                } else {
                    1.0
                }
            );
            if seen.last() != Some(&standing) {
                seen.push(standing);
            }
        }
        assert_eq!(seen, [Some(Standing::Heard), Some(Standing::Silent), None]);
    }

    #[test]
    fn time_in_which_the_page_slept_is_nobodys_silence() {
        let mut nodes = Nodes::begin(counted("a", 1_000, 0, 1), Vec::new());
        // The first HTML knows no time; then the machine is shut for an hour.
        nodes.pass(1_795_000_000_000);
        assert_eq!(names(&nodes), [("a", Standing::Heard)]);
        nodes.hear(counted("a", 3_000, 0, 1), 1_795_000_001_000);
        nodes.pass(1_795_000_002_000);
        nodes.pass(1_795_003_600_000);
        assert_eq!(names(&nodes).len(), 1);
        assert_eq!(
            nodes.history(|_| Some(0.0)).len(),
            1,
            "and the past is past"
        );
        for second in 1..15 {
            nodes.pass(1_795_003_600_000 + second * 2_000);
        }
        assert_eq!(names(&nodes), [], "from then on it is");
    }

    #[test]
    fn redis_is_told_of_by_whoever_reaches_it() {
        let up = RedisReport::Up(RedisServers::default());
        let cut_off = NodeReport {
            redis: RedisReport::Down,
            publish: Link::Down,
            ..report("a", 1)
        };
        let mut nodes = Nodes::begin(cut_off, Vec::new());
        assert_eq!(nodes.redis(), Some(&RedisReport::Down));
        nodes.hear(
            NodeReport {
                redis: up.clone(),
                ..report("b", 1)
            },
            0,
        );
        assert_eq!(nodes.redis(), Some(&up));
    }
}
