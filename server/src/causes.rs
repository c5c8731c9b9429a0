//! Errors as one line: the sentence and its causes.

use std::error::Error;

/// An error, and what it comes from.
pub fn with_causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let sentence = error.to_string();
        // Many say what they come from themselves.
        if !message.contains(&sentence) {
            message = format!("{message}: {sentence}");
        }
        cause = error.source();
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Told(&'static str, #[source] Option<Box<Told>>);

    #[test]
    fn a_cause_is_told_once() {
        let full = Told("the disk is full", None);
        let written = Told("not written: the disk is full", Some(Box::new(full)));
        let opened = Told("not opened", Some(Box::new(written)));
        assert_eq!(
            with_causes(&opened),
            "not opened: not written: the disk is full"
        );
    }
}
