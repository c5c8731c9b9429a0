//! The expressions of Prometheus, read far enough to see that they are ones: the grammar of
//! <https://prometheus.io/docs/prometheus/latest/querying/basics/>, what functions take, and which series are asked for.

mod token;

pub(super) use token::is_duration;
use token::{Token, tokens};

/// A series that an expression asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Selector {
    pub(super) metric: String,
    /// The labels that it looks at.
    pub(super) labels: Vec<String>,
    /// The function right around it.
    pub(super) function: Option<String>,
}

/// What an expression names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) selectors: Vec<Selector>,
    /// The labels that it groups or matches by.
    pub(super) grouped: Vec<String>,
}

/// What a part of an expression is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number,
    Text,
    /// One value for each series.
    Instant,
    /// All values of a time.
    Range,
}

const AGGREGATIONS: [&str; 10] = [
    "sum", "min", "max", "avg", "count", "group", "stddev", "topk", "bottomk", "quantile",
];

/// Functions, and what they take.
const FUNCTIONS: [(&str, &[Kind]); 18] = [
    ("rate", &[Kind::Range]),
    ("increase", &[Kind::Range]),
    ("irate", &[Kind::Range]),
    ("delta", &[Kind::Range]),
    ("changes", &[Kind::Range]),
    ("resets", &[Kind::Range]),
    ("min_over_time", &[Kind::Range]),
    ("max_over_time", &[Kind::Range]),
    ("avg_over_time", &[Kind::Range]),
    ("absent", &[Kind::Instant]),
    ("abs", &[Kind::Instant]),
    ("ceil", &[Kind::Instant]),
    ("scalar", &[Kind::Instant]),
    ("vector", &[Kind::Number]),
    ("time", &[]),
    ("clamp_min", &[Kind::Instant, Kind::Number]),
    ("clamp_max", &[Kind::Instant, Kind::Number]),
    ("histogram_quantile", &[Kind::Number, Kind::Instant]),
];

/// Operators between two parts, those that bind least first.
const OPERATORS: [&[&str]; 6] = [
    &["or"],
    &["and", "unless"],
    &["==", "!=", "<=", ">=", "<", ">"],
    &["+", "-"],
    &["*", "/", "%"],
    &["^"],
];

/// Reads an expression.
pub(super) fn read(expression: &str) -> Result<Query, String> {
    let mut reader = Reader {
        tokens: tokens(expression)?,
        at: 0,
        query: Query::default(),
    };
    let kind = reader.operation(0)?;
    if let Some(token) = reader.peek() {
        return Err(format!("{token:?} is too much"));
    }
    match kind {
        Kind::Instant | Kind::Number => Ok(reader.query),
        other => Err(format!("it is a {other:?}, and cannot be shown")),
    }
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
    query: Query,
}

impl Reader {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Result<Token, String> {
        let token = self.peek().cloned().ok_or("it ends too early")?;
        self.at += 1;
        Ok(token)
    }

    /// Takes a sign or a word if it comes next.
    fn takes(&mut self, what: &str) -> bool {
        let comes = match self.peek() {
            Some(Token::Sign(sign)) => sign == what,
            Some(Token::Word(word)) => word == what,
            _ => false,
        };
        self.at += usize::from(comes);
        comes
    }

    fn expect(&mut self, what: &str) -> Result<(), String> {
        match self.takes(what) {
            true => Ok(()),
            false => Err(format!("{what} is missing before {:?}", self.peek())),
        }
    }

    fn operation(&mut self, level: usize) -> Result<Kind, String> {
        let Some(operators) = OPERATORS.get(level) else {
            return self.part();
        };
        let mut kind = self.operation(level + 1)?;
        while let Some(operator) = operators.iter().find(|operator| self.takes(operator)) {
            let compares = level == 2 && self.takes("bool");
            if self.takes("on") || self.takes("ignoring") {
                self.labels()?;
                if self.takes("group_left") || self.takes("group_right") {
                    self.labels_if_any()?;
                }
            }
            let other = self.operation(level + 1)?;
            kind = match (kind, other) {
                (Kind::Number, Kind::Number) if level == 2 && !compares => {
                    return Err(format!("{operator} of two numbers says nothing"));
                }
                (Kind::Number, Kind::Number) if level > 1 => Kind::Number,
                (Kind::Instant, Kind::Instant) => Kind::Instant,
                (Kind::Instant, Kind::Number) | (Kind::Number, Kind::Instant) if level > 1 => {
                    Kind::Instant
                }
                (one, other) => return Err(format!("{one:?} {operator} {other:?} is nothing")),
            };
        }
        Ok(kind)
    }

    /// A part, and what stands behind it: `[5m]`, `offset 1h`.
    fn part(&mut self) -> Result<Kind, String> {
        if self.takes("-") || self.takes("+") {
            return self.part();
        }
        let mut kind = self.naked()?;
        if self.takes("[") {
            if kind != Kind::Instant {
                return Err(format!("a {kind:?} has no past"));
            }
            self.duration()?;
            if self.takes(":") && self.peek() == Some(&Token::Duration) {
                self.duration()?;
            }
            self.expect("]")?;
            kind = Kind::Range;
        }
        if self.takes("offset") {
            self.takes("-");
            self.duration()?;
        }
        Ok(kind)
    }

    fn naked(&mut self) -> Result<Kind, String> {
        match self.next()? {
            Token::Number => Ok(Kind::Number),
            Token::Text => Ok(Kind::Text),
            Token::Sign(sign) if sign == "(" => {
                let kind = self.operation(0)?;
                self.expect(")")?;
                Ok(kind)
            }
            Token::Word(word) if AGGREGATIONS.contains(&word.as_str()) => self.aggregation(&word),
            Token::Word(word) if self.takes("(") => self.function(&word),
            Token::Word(metric) => self.selector(metric),
            other => Err(format!("{other:?} begins nothing")),
        }
    }

    fn aggregation(&mut self, name: &str) -> Result<Kind, String> {
        let before = self.grouping()?;
        self.expect("(")?;
        if ["topk", "bottomk", "quantile"].contains(&name) {
            if self.operation(0)? != Kind::Number {
                return Err(format!("{name} begins with a number"));
            }
            self.expect(",")?;
        }
        let kind = self.operation(0)?;
        self.expect(")")?;
        if !before {
            self.grouping()?;
        }
        match kind {
            Kind::Instant => Ok(kind),
            other => Err(format!("{name} of a {other:?} is nothing")),
        }
    }

    fn grouping(&mut self) -> Result<bool, String> {
        let there = self.takes("by") || self.takes("without");
        if there {
            self.labels()?;
        }
        Ok(there)
    }

    fn function(&mut self, name: &str) -> Result<Kind, String> {
        let Some((_, wanted)) = FUNCTIONS.iter().find(|(known, _)| *known == name) else {
            return Err(format!("{name} is not a function that is known here"));
        };
        for (index, wanted) in wanted.iter().enumerate() {
            if index > 0 {
                self.expect(",")?;
            }
            let begun = self.query.selectors.len();
            let kind = self.operation(0)?;
            if kind != *wanted {
                return Err(format!("{name} wants a {wanted:?}, not a {kind:?}"));
            }
            for selector in &mut self.query.selectors[begun..] {
                selector.function.get_or_insert_with(|| name.to_owned());
            }
        }
        self.expect(")")?;
        match name {
            "time" | "scalar" => Ok(Kind::Number),
            _ => Ok(Kind::Instant),
        }
    }

    fn selector(&mut self, metric: String) -> Result<Kind, String> {
        let mut labels = Vec::new();
        if self.takes("{") {
            while !self.takes("}") {
                labels.push(self.word()?);
                let signs = ["=", "!=", "=~", "!~"];
                if !signs.iter().any(|sign| self.takes(sign)) {
                    return Err(format!("{:?} compares nothing", self.peek()));
                }
                if self.next()? != Token::Text {
                    return Err("a label is compared with a text".to_owned());
                }
                if !self.takes(",") {
                    self.expect("}")?;
                    break;
                }
            }
        }
        self.query.selectors.push(Selector {
            metric,
            labels,
            function: None,
        });
        Ok(Kind::Instant)
    }

    fn labels_if_any(&mut self) -> Result<(), String> {
        match self.peek() {
            Some(Token::Sign(sign)) if sign == "(" => self.labels(),
            _ => Ok(()),
        }
    }

    fn labels(&mut self) -> Result<(), String> {
        self.expect("(")?;
        while !self.takes(")") {
            let label = self.word()?;
            self.query.grouped.push(label);
            if !self.takes(",") {
                return self.expect(")");
            }
        }
        Ok(())
    }

    fn word(&mut self) -> Result<String, String> {
        match self.next()? {
            Token::Word(word) => Ok(word),
            other => Err(format!("{other:?} is no name")),
        }
    }

    fn duration(&mut self) -> Result<(), String> {
        match self.next()? {
            Token::Duration => Ok(()),
            other => Err(format!("{other:?} is no time")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_prometheus_takes_is_read() {
        for good in [
            "up == 0",
            "absent(up{job=\"a\"} == 1)",
            "sum by (job, code) (rate(a_total{code=~\"x|y\", b!='c'}[5m])) > 0.5",
            "sum(rate(a[5m])) by (job) / ignoring(code) group_left sum(rate(b[5m]))",
            "max_over_time(a[10m] offset 1h) - -1 * 2 ^ 3",
            "max_over_time(rate(a[5m])[1h:1m])",
            "max_over_time(a[1h:])",
            "histogram_quantile(0.99, sum by (le) (rate(a_bucket[1h30m])))",
            "a and on (instance) b unless c",
            "topk(3, a) >= bool 1e3",
            "1 + 1",
        ] {
            assert!(read(good).is_ok(), "{good}: {:?}", read(good));
        }
    }

    #[test]
    fn what_prometheus_refuses_is_refused() {
        for bad in [
            "",
            "rate(a)",
            "sum(a[5m])",
            "a[5m]",
            "sum by job (a)",
            "sum(rate(a[5m])",
            "a{b}",
            "a{b=c}",
            "a >",
            "a b",
            "rte(a[5m])",
            "rate(a[5])",
            "histogram_quantile(a, 1)",
            "1 == 1",
            "a and 1",
            "a[5m",
            "a{b=\"c}",
            "(1)[5m]",
            "max_over_time(a[1h:1m)",
        ] {
            assert!(read(bad).is_err(), "{bad}: {:?}", read(bad));
        }
    }

    #[test]
    fn an_expression_names_its_series_labels_and_functions() {
        let query = read("sum by (code) (rate(a{job=\"b\"}[5m])) / on (job) c").expect("right");
        assert_eq!(query.grouped, ["code", "job"]);
        let of = |metric: &str, labels: &[&str], function: Option<&str>| Selector {
            metric: metric.to_owned(),
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            function: function.map(str::to_owned),
        };
        assert_eq!(
            query.selectors,
            [of("a", &["job"], Some("rate")), of("c", &[], None)]
        );
    }
}
