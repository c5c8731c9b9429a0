//! The JSON lines in which scenarios end.

use std::process::{Command, ExitCode};

use anyhow::{Result, bail};
use serde_json::{Map, Number, Value};

use crate::process;

/// The figures of one process: an object that names its scenario.
type Figures = Map<String, Value>;

/// Reads a line of output, if it has figures.
pub fn read(line: &str) -> Option<Figures> {
    match serde_json::from_str(line) {
        Ok(Value::Object(figures)) if figures.contains_key("scenario") => Some(figures),
        _ => None,
    }
}

/// Runs a process that ends with its figures: shows what it prints as it comes, and these last of all.
pub fn run(command: &mut Command) -> Result<ExitCode> {
    let mut figures = None;
    let status = process::watch(command, |line| match read(&line) {
        Some(_) => figures = Some(line),
        None => println!("{line}"),
    })?;
    let Some(line) = figures else {
        bail!("it ended without figures ({status}); its output is above");
    };
    println!("{line}");
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// One line for all: that of a single process as it is, those of several merged.
pub fn line(lines: &[String]) -> Option<String> {
    match lines {
        [] => None,
        [line] => Some(line.clone()),
        lines => {
            let parts = lines.iter().filter_map(|line| read(line));
            Some(Value::Object(merge(parts)).to_string())
        }
    }
}

/// The figures of processes that did a part each, side by side: counts are added up; the first is the least, and the
/// longest took as long as all of them.
fn merge(parts: impl IntoIterator<Item = Figures>) -> Figures {
    let mut whole = Figures::new();
    for (name, value) in parts.into_iter().flatten() {
        let merged = match (whole.get(&name), &value) {
            (Some(Value::Number(a)), Value::Number(b)) => Value::Number(match name.as_str() {
                "first" => pick(a, b, |a, b| a <= b),
                "seconds" => pick(a, b, |a, b| a >= b),
                _ => add(a, b),
            }),
            (Some(known), _) => known.clone(),
            (None, _) => value,
        };
        whole.insert(name, merged);
    }
    whole
}

fn pick(a: &Number, b: &Number, first: fn(f64, f64) -> bool) -> Number {
    let (x, y) = (a.as_f64(), b.as_f64());
    let takes_first = x.zip(y).is_none_or(|(x, y)| first(x, y));
    if takes_first { a.clone() } else { b.clone() }
}

/// Whole numbers stay whole.
fn add(a: &Number, b: &Number) -> Number {
    if let (Some(a), Some(b)) = (a.as_u64(), b.as_u64()) {
        return a.saturating_add(b).into();
    }
    let sum = a.as_f64().unwrap_or_default() + b.as_f64().unwrap_or_default();
    Number::from_f64(sum).unwrap_or_else(|| a.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_ran_side_by_side_become_one_line() {
        let parts = [
            r#"{"scenario":"sim","first":51,"seeds":50,"failed":1,"events":1000,"seconds":2.5}"#,
            r#"{"scenario":"sim","first":1,"seeds":50,"failed":0,"events":900,"seconds":3.25}"#,
        ];
        let merged = merge(parts.map(|part| read(part).expect("figures")));
        let expected =
            r#"{"scenario":"sim","first":1,"seeds":100,"failed":1,"events":1900,"seconds":3.25}"#;
        assert_eq!(Some(merged), read(expected));
    }

    #[test]
    fn a_single_line_is_passed_on_as_it_is() {
        let line = r#"{"scenario":"connect-cycles","cycles":7,"a":1}"#.to_owned();
        assert_eq!(super::line(std::slice::from_ref(&line)), Some(line));
        assert_eq!(super::line(&[]), None);
    }

    #[test]
    fn fractions_are_added_and_a_figure_of_one_part_is_kept() {
        let parts = [
            r#"{"scenario":"x","a":0.5}"#,
            r#"{"scenario":"x","a":1,"b":2}"#,
        ];
        let merged = merge(parts.map(|part| read(part).expect("figures")));
        assert_eq!(Some(merged), read(r#"{"scenario":"x","a":1.5,"b":2}"#));
    }

    #[test]
    fn other_output_is_not_figures() {
        for line in ["", "seed 7 failed: late", "[1]", r#"{"a":1}"#, "7"] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
