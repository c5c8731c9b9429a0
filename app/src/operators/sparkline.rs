//! A figure's last minutes as a line, and in words.

use super::nodes::KEPT;

/// The line's box, in units of its own.
const WIDTH: f64 = 120.0;
const HEIGHT: f64 = 28.0;

/// A figure's last minutes: how many milliseconds ago it was what.
#[derive(Clone, Debug, PartialEq)]
pub struct Sparkline(Vec<(u64, f64)>);

impl Sparkline {
    /// Of a history, the oldest first.
    #[must_use]
    pub fn new(history: Vec<(u64, f64)>) -> Self {
        Self(history)
    }

    /// The box, as `viewBox` has it: with room for the line's own width.
    #[must_use]
    pub fn view_box() -> String {
        format!("0 -1 {WIDTH} {}", HEIGHT + 2.0)
    }

    /// The line, as `points` of a `polyline` has it. From 0, so that what is small looks small; nothing before there are
    /// two.
    #[must_use]
    pub fn points(&self) -> String {
        let Some(highest) = self.highest() else {
            return String::new();
        };
        // What was nothing all the time lies at the bottom.
        let highest = highest.max(f64::MIN_POSITIVE);
        let point = |(ago, value): &(u64, f64)| {
            let x = WIDTH * (1.0 - (*ago).min(KEPT) as f64 / KEPT as f64);
            let y = HEIGHT * (1.0 - value.max(0.0) / highest);
            format!("{x:.1},{y:.1}")
        };
        self.0.iter().map(point).collect::<Vec<_>>().join(" ")
    }

    /// The same for who does not see it.
    #[must_use]
    pub fn words(&self, name: &str, written: impl Fn(f64) -> String) -> String {
        let (Some((first, _)), Some((_, now))) = (self.0.first(), self.0.last()) else {
            return format!("{name}: no history yet");
        };
        let lowest = self.values().fold(f64::INFINITY, f64::min);
        let since = match first.div_ceil(60_000) {
            0 | 1 => "minute".to_owned(),
            minutes => format!("{minutes} minutes"),
        };
        format!(
            "{name} over the last {since}: now {}, lowest {}, highest {}",
            written(*now),
            written(lowest),
            written(self.values().fold(0.0, f64::max)),
        )
    }

    /// What the line's upper end stands for, where there is a line.
    #[must_use]
    pub fn highest(&self) -> Option<f64> {
        (self.0.len() > 1).then(|| self.values().fold(0.0, f64::max))
    }

    fn values(&self) -> impl Iterator<Item = f64> {
        self.0.iter().map(|(_, value)| *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operators::count;

    #[test]
    fn a_line_ends_at_the_right_and_touches_what_was_highest() {
        let line = Sparkline::new(vec![(KEPT, 0.0), (KEPT / 2, 10.0), (0, 5.0)]);
        assert_eq!(line.points(), "0.0,28.0 60.0,0.0 120.0,14.0");
        assert_eq!(
            line.words("Connections", count),
            "Connections over the last 3 minutes: now 5, lowest 0, highest 10"
        );
    }

    #[test]
    fn nothing_and_always_nothing_are_no_fault() {
        assert_eq!(Sparkline::new(vec![(0, 3.0)]).points(), "");
        assert_eq!(Sparkline::new(Vec::new()).points(), "");
        let words = Sparkline::new(Vec::new()).words("Rooms", count);
        assert_eq!(words, "Rooms: no history yet");
        let flat = Sparkline::new(vec![(2_000, 0.0), (0, 0.0)]);
        assert_eq!(flat.points(), "118.7,28.0 120.0,28.0");
        assert!(flat.words("Rooms", count).contains("last minute: now 0"));
    }
}
