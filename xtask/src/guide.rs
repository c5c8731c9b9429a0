//! What is said of embedding, held against what is there: `realtime/README.md` against the host that is built from it,
//! `realtime/GUIDE.md` against the style sheets, and both hosts against what they may use of the library.

use std::fs;

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

/// A block of code, and the file in which the guide puts it.
struct Block {
    /// The heading above it.
    section: String,
    file: Option<String>,
    lines: Vec<String>,
}

pub fn path(below: &str) -> Utf8PathBuf {
    Utf8Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(below)
}

pub fn read(below: &str) -> String {
    let file = path(below);
    fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file} cannot be read: {error}"))
}

/// Calls this with every file below a folder.
fn each_file(folder: &Utf8Path, look: &mut impl FnMut(&Utf8Path, &str)) {
    for entry in folder.read_dir_utf8().expect("a folder") {
        let entry = entry.expect("an entry").into_path();
        if entry.is_dir() {
            each_file(&entry, look);
        } else {
            look(&entry, &fs::read_to_string(&entry).expect("a text"));
        }
    }
}

/// The blocks of a guide. One belongs to a file where the line right above it is the file's name, in backticks.
fn blocks(guide: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let (mut section, mut above) = (String::new(), "");
    let mut lines = guide.lines();
    while let Some(line) = lines.next() {
        if let Some(heading) = line.strip_prefix("## ") {
            section = heading.to_owned();
        }
        if line.starts_with("```") {
            let name = above
                .strip_prefix('`')
                .and_then(|name| name.strip_suffix('`'));
            let code = lines.by_ref().take_while(|line| *line != "```");
            blocks.push(Block {
                section: section.clone(),
                file: name.map(str::to_owned),
                lines: code
                    .filter(|line| !line.is_empty())
                    .map(str::to_owned)
                    .collect(),
            });
        }
        above = line;
    }
    blocks
}

/// The first of these lines that does not stand in the text behind those before it.
fn missing<'a>(lines: impl Iterator<Item = &'a String>, text: &str) -> Option<&'a String> {
    let mut rest = text.lines();
    let mut lines = lines;
    lines.find(|line| !rest.any(|there| there == line.as_str()))
}

/// The custom properties that a style sheet sets, each with its value.
fn properties(sheet: &str) -> Vec<(String, String)> {
    let declarations = sheet.lines().filter_map(|line| {
        let (name, value) = line.trim().strip_suffix(';')?.split_once(':')?;
        let name = name.strip_prefix("--rt-")?;
        Some((format!("--rt-{name}"), value.trim().to_owned()))
    });
    declarations.collect()
}

#[test]
fn the_embedding_host_is_what_its_guide_says() {
    let blocks = blocks(&read("realtime/README.md"));
    for file in ["Cargo.toml", "src/app.rs", "src/main.rs"] {
        let of_file = blocks
            .iter()
            .filter(|block| block.file.as_deref() == Some(file));
        let lines: Vec<_> = of_file.flat_map(|block| &block.lines).collect();
        assert!(!lines.is_empty(), "the guide says nothing of {file}");
        assert!(!lines.iter().any(|line| line.contains("cfg")), "{lines:?}");
        let host = read(&format!("end2end/embed/{file}"));
        let missing = missing(lines.iter().copied(), &host);
        assert_eq!(
            missing, None,
            "end2end/embed/{file} lacks it, or has it elsewhere"
        );
        // And what the guide does not say has nothing to do with the module.
        let others = host
            .lines()
            .filter(|line| !line.starts_with("# ") && lines.iter().all(|known| known != line));
        for line in others {
            let line = line.to_lowercase();
            for word in ["realtime", "notif", "presence", "lobby", "wave"] {
                assert!(
                    !line.contains(word),
                    "end2end/embed/{file} has more than its guide: {line}"
                );
            }
        }
    }
    for block in &blocks {
        let is_shell = block.section == "Look at it";
        assert!(
            block.file.is_some() || is_shell,
            "no file is named above {:?}",
            block.lines
        );
    }
}

#[test]
fn the_guide_takes_the_lines_that_its_headings_count() {
    let blocks = blocks(&read("realtime/README.md"));
    for (heading, count) in [
        ("Three lines of Cargo.toml", 3),
        ("Nineteen lines of Rust", 19),
        ("One line more: where the bell leads", 1),
    ] {
        let section = blocks.iter().filter(|block| block.section == heading);
        assert_eq!(
            section.map(|block| block.lines.len()).sum::<usize>(),
            count,
            "{heading}"
        );
    }
}

#[test]
fn a_line_that_is_missing_changed_or_out_of_order_is_found() {
    let guide = "## One\n`a.rs`\n```rust\none\n\ntwo\n```\nAnd\n```js\nthree\n```\n";
    let blocks = blocks(guide);
    assert_eq!(blocks[0].file.as_deref(), Some("a.rs"));
    assert_eq!(
        (blocks[0].section.as_str(), blocks[1].file.as_deref()),
        ("One", None)
    );
    let lacks = |text: &str| missing(blocks[0].lines.iter(), text).map(String::as_str);
    assert_eq!(lacks("zero\none\n\n\ntwo\nthree"), None);
    assert_eq!(lacks("one\n two"), Some("two"));
    assert_eq!(lacks("two\none"), Some("two"));
}

#[test]
fn the_guide_lists_the_custom_properties_that_there_are() {
    let sheet = properties(&read("realtime/style/tokens.css"));
    let guide = read("realtime/GUIDE.md");
    let rows = guide.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `--rt-")?.split('|');
        let name = cells.next()?.trim().strip_suffix('`')?;
        let value = cells.next()?.trim().strip_prefix('`')?.strip_suffix('`')?;
        Some((format!("--rt-{name}"), value.to_owned()))
    });
    let listed: Vec<_> = rows.collect();
    assert_eq!(listed, sheet);

    // What is read and set nowhere would be a property without a default.
    each_file(&path("realtime/style"), &mut |file, text| {
        for rest in text.split("var(").skip(1) {
            let end = rest.find([',', ')']).expect("a closed parenthesis");
            let name = &rest[..end];
            // A face's colour is its person's.
            let known = name == "--rt-hue" || sheet.iter().any(|(known, _)| known == name);
            assert!(known, "{name} of {file} is not in tokens.css");
        }
    });
}

/// Private modules are the compiler's affair. What macros need is public and hidden, and not for hosts.
#[test]
fn hosts_use_what_is_documented_alone() {
    for host in ["app/src", "server/src", "frontend/src", "end2end/embed/src"] {
        each_file(&path(host), &mut |file, text| {
            for hidden in ["__private", "__room_"] {
                assert!(!text.contains(hidden), "{file} names {hidden}");
            }
        });
    }
}
