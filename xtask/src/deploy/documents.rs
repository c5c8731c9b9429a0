//! The texts in `deploy/`: what they lead to is there.

use crate::guide::{path, read};

/// The anchors of a Markdown text's headings, as they are made on the usual sites.
pub(super) fn anchors(markdown: &str) -> Vec<String> {
    let mut is_code = false;
    let mut anchors = Vec::new();
    for line in markdown.lines() {
        is_code ^= line.starts_with("```");
        let title = line.trim_start_matches('#');
        if is_code || title == line || !title.starts_with(' ') {
            continue;
        }
        let kept = title.trim().to_lowercase();
        let kept = kept
            .chars()
            .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
        anchors.push(
            kept.map(|letter| if letter == ' ' { '-' } else { letter })
                .collect(),
        );
    }
    anchors
}

/// Where the links of a Markdown text lead.
fn links(markdown: &str) -> Vec<&str> {
    let rest = markdown.split("](").skip(1);
    rest.filter_map(|rest| Some(rest.split_once(')')?.0))
        .collect()
}

#[test]
fn what_the_guide_and_the_runbook_lead_to_is_there() {
    for text in ["deploy/README.md", "deploy/RUNBOOK.md"] {
        let markdown = read(text);
        let links = links(&markdown);
        assert!(!links.is_empty(), "{text} leads nowhere");
        for link in links
            .into_iter()
            .filter(|link| !link.starts_with("https://"))
        {
            let (file, section) = link.split_once('#').unwrap_or((link, ""));
            let file = match file {
                "" => text.to_owned(),
                file => format!("deploy/{file}"),
            };
            assert!(path(&file).exists(), "{text} leads to {link}");
            let is_there =
                section.is_empty() || anchors(&read(&file)).iter().any(|there| there == section);
            assert!(
                is_there,
                "{text} leads to {link}, which has no such heading"
            );
        }
    }
}

#[test]
fn the_metrics_that_they_name_are_there() {
    let metrics = super::metrics::exposed();
    for text in ["deploy/README.md", "deploy/RUNBOOK.md"] {
        let markdown = read(text);
        let words = markdown.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        for word in words.filter(|word| word.starts_with("realtime_")) {
            assert!(metrics.contains_key(word), "{text} tells of {word}");
        }
    }
}

#[test]
fn headings_have_the_anchors_that_sites_give_them() {
    let markdown =
        "# A guide: `x`, and why\n```sh\n# no heading\n```\n#no heading\n## RealtimeDegraded\n";
    assert_eq!(anchors(markdown), ["a-guide-x-and-why", "realtimedegraded"]);
    assert_eq!(links("[a](b.md#c) and [d](e)"), ["b.md#c", "e"]);
}
