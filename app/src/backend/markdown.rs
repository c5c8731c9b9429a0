//! People's texts: Markdown, as HTML that is safe to show.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use ammonia::Builder;
use linkify::{LinkFinder, LinkKind};
use pulldown_cmark::{Event, LinkType, Options, Parser, Tag, TagEnd, TextMergeStream, html};

/// What is Markdown here, beside CommonMark.
const OPTIONS: Options = Options::ENABLE_STRIKETHROUGH.union(Options::ENABLE_TABLES);

/// What a text may be made of. Headings would compete with the page's own, and images would tell their makers who
/// reads.
const TAGS: [&str; 18] = [
    "a",
    "blockquote",
    "br",
    "code",
    "del",
    "em",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "strong",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
];

static CLEANER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut tags = HashSet::from(TAGS);
    tags.insert("ul");
    let mut builder = Builder::default();
    builder
        .tags(tags)
        .clean_content_tags(HashSet::from(["script", "style"]))
        .generic_attributes(HashSet::new())
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href", "title"])),
            ("ol", HashSet::from(["start"])),
        ]))
        .allowed_classes(HashMap::new())
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .link_rel(Some("nofollow noopener"));
    builder
});

/// A text as HTML. What its writer wrote as HTML is shown as text; a line break is one.
pub(super) fn render(text: &str) -> String {
    let mut unsafe_html = String::with_capacity(text.len() * 3 / 2);
    html::push_html(&mut unsafe_html, with_links(shown(text)));
    CLEANER.clean(&unsafe_html).to_string()
}

/// What is shown of a text.
fn shown(text: &str) -> impl Iterator<Item = Event<'_>> {
    Parser::new_ext(text, OPTIONS).flat_map(|event| {
        let (first, second) = match event {
            Event::Html(html) | Event::InlineHtml(html) => (Event::Text(html), None),
            Event::SoftBreak => (Event::HardBreak, None),
            Event::Start(Tag::Heading { .. }) => (
                Event::Start(Tag::Paragraph),
                Some(Event::Start(Tag::Strong)),
            ),
            Event::End(TagEnd::Heading(_)) => (
                Event::End(TagEnd::Strong),
                Some(Event::End(TagEnd::Paragraph)),
            ),
            event => (event, None),
        };
        std::iter::once(first).chain(second)
    })
}

/// A web address that stands in a text leads there.
fn with_links<'a>(events: impl Iterator<Item = Event<'a>>) -> impl Iterator<Item = Event<'a>> {
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Url]);
    // In a link, or in code, it is what it says.
    let mut inside = 0;
    TextMergeStream::new(events).flat_map(move |event| match event {
        Event::Text(words) if inside == 0 => finder
            .spans(&words)
            .flat_map(|span| {
                let words = span.as_str().to_owned();
                let link = Tag::Link {
                    link_type: LinkType::Autolink,
                    dest_url: words.clone().into(),
                    title: "".into(),
                    id: "".into(),
                };
                let leads = span.kind().is_some();
                [
                    leads.then_some(Event::Start(link)),
                    Some(Event::Text(words.into())),
                    leads.then_some(Event::End(TagEnd::Link)),
                ]
            })
            .flatten()
            .collect(),
        event => {
            match &event {
                Event::Start(Tag::Link { .. } | Tag::CodeBlock(_)) => inside += 1,
                Event::End(TagEnd::Link | TagEnd::CodeBlock) => inside -= 1,
                _ => {}
            }
            vec![event]
        }
    })
}

/// What a text says, without its marks. The words of blocks are apart.
pub(crate) fn plain_text(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for event in Parser::new_ext(text, OPTIONS) {
        match event {
            Event::Text(words)
            | Event::Code(words)
            | Event::Html(words)
            | Event::InlineHtml(words) => plain.push_str(&words),
            Event::SoftBreak | Event::HardBreak | Event::Rule => plain.push(' '),
            Event::End(
                TagEnd::Paragraph
                | TagEnd::Heading(_)
                | TagEnd::Item
                | TagEnd::CodeBlock
                | TagEnd::TableCell,
            ) => plain.push(' '),
            _ => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_can_be_told_without_its_marks() {
        assert_eq!(
            plain_text("# Hello\n\n**you**, see [this](https://example.org)\n- a\n- `b`").trim(),
            "Hello you, see this a b"
        );
        assert_eq!(plain_text("1 < 2 & <b>so</b>").trim(), "1 < 2 & <b>so</b>");
    }

    #[test]
    fn a_text_is_shown_as_it_was_meant() {
        assert_eq!(
            render("Hello *you*,\nand **you**\n\n- one\n- two").replace('\n', ""),
            "<p>Hello <em>you</em>,<br>and <strong>you</strong></p><ul><li>one</li><li>two</li></ul>"
        );
        assert_eq!(
            render("# A *heading*").trim(),
            "<p><strong>A <em>heading</em></strong></p>",
            "headings are the page's own"
        );
    }

    #[test]
    fn links_lead_away_without_recommending_or_telling() {
        let html = render("[here](https://example.org/a?b=1&c=2)");
        assert!(
            html.contains(r#"href="https://example.org/a?b=1&amp;c=2""#),
            "{html}"
        );
        assert!(html.contains(r#"rel="nofollow noopener""#), "{html}");
    }

    #[test]
    fn an_address_that_stands_in_a_text_leads_there() {
        let leads = |text: &str| {
            let html = render(text);
            let mut found = html.split("href=\"").skip(1);
            let found: Vec<_> = found
                .by_ref()
                .map(|rest| rest.split('"').next().unwrap_or_default().to_owned())
                .collect();
            found.join(" ")
        };
        assert_eq!(
            leads("See https://example.org/a_b_c?x=1&y=2, or (http://example.net)."),
            "https://example.org/a_b_c?x=1&amp;y=2 http://example.net"
        );
        assert_eq!(
            leads("<https://a.example> https://b.example"),
            "https://a.example https://b.example"
        );
        assert_eq!(
            leads("[https://b.example](https://c.example) **https://d.example**"),
            "https://c.example https://d.example",
            "a link has one end"
        );
        for quiet in [
            "`https://e.example`",
            "```\nhttps://f.example\n```",
            "javascript://x%0aalert(1)",
            "me@example.org",
        ] {
            assert_eq!(leads(quiet), "", "{quiet}");
        }
    }

    #[test]
    fn nothing_that_runs_or_looks_like_the_page_comes_through() {
        for text in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt:alert(1))",
            "[x](data:text/html;base64,PHNjcmlwdD4=)",
            "![x](https://evil.example/pixel.png)",
            "<a href=\"https://x\" onclick=\"alert(1)\">x</a>",
            "<style>body{display:none}</style>",
            "<iframe src=\"https://evil.example\"></iframe>",
            "[x](https://x \"a\\\" onmouseover=\\\"alert(1)\")",
            "<p class=\"composer\" id=\"main\" style=\"position:fixed\">x</p>",
            "| a | b |\n|---|---|\n| <svg onload=alert(1)> | [y](vbscript:x) |",
        ] {
            let html = render(text);
            // A tag, or an attribute inside of one: what stands between is text.
            for tag in html.split('<').skip(1) {
                let tag = tag.split('>').next().unwrap_or_default().to_lowercase();
                let name: String = tag
                    .trim_start_matches('/')
                    .chars()
                    .take_while(char::is_ascii_alphanumeric)
                    .collect();
                assert!(
                    TAGS.contains(&name.as_str()) || name == "ul",
                    "{text} → {html}"
                );
                for forbidden in [
                    "javascript:",
                    "data:",
                    "vbscript:",
                    " on",
                    "style=",
                    "class=",
                    "id=",
                ] {
                    let outside = tag.split('"').step_by(2).collect::<String>();
                    let found =
                        outside.contains(forbidden) || tag.contains(&format!("href=\"{forbidden}"));
                    assert!(!found, "{text} → {html}");
                }
            }
        }
    }

    #[test]
    fn a_deep_or_long_text_is_no_burden() {
        for text in ["> ".repeat(2_000), "*".repeat(4_000), "[".repeat(4_000)] {
            assert!(render(&text).len() < 200_000);
        }
    }
}
