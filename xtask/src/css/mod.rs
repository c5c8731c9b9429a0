//! One style sheet from many: local `@import`s replaced by the files that they name.
//!
//! `cargo leptos` does the same with `style-bundle = true`. Files are named relative to the one that imports them;
//! `layer(name)` and media queries after the name are kept as blocks around the content. A file imported twice counts
//! where it is imported last, as in browsers. `url(…)` in the styles is left alone: write such paths from the site's
//! root.

mod sheet;

use std::fs;

use anyhow::{Context as _, Result, bail};
use cargo_metadata::camino::{Utf8Component, Utf8Path, Utf8PathBuf};

use self::sheet::Sheet;

/// Reads `entry` and everything it imports.
pub fn bundle(entry: &Utf8Path) -> Result<String> {
    bundle_with(entry, &|file| {
        fs::read_to_string(file).with_context(|| format!("{file} cannot be read"))
    })
}

/// Reads a file's text.
type Load<'a> = &'a dyn Fn(&Utf8Path) -> Result<String>;

fn bundle_with(entry: &Utf8Path, load: Load<'_>) -> Result<String> {
    let mut pieces = Vec::new();
    collect(&normal(entry), &mut Vec::new(), &[], load, &mut pieces)?;
    let mut seen = Vec::new();
    let mut kept: Vec<String> = Vec::new();
    for piece in pieces.iter().rev() {
        let key = (&piece.file, &piece.blocks);
        if !seen.contains(&key) {
            seen.push(key);
            kept.push(piece.text());
        }
    }
    kept.reverse();
    Ok(kept.concat())
}

/// A file's own content with the blocks around it, outermost first.
struct Piece {
    file: Utf8PathBuf,
    blocks: Vec<String>,
    body: String,
}

impl Piece {
    fn text(&self) -> String {
        let mut text = self.body.trim().to_owned();
        if text.is_empty() {
            return text;
        }
        for block in self.blocks.iter().rev() {
            text = format!("{block} {{\n{text}\n}}");
        }
        text + "\n"
    }
}

fn collect(
    file: &Utf8Path,
    stack: &mut Vec<Utf8PathBuf>,
    blocks: &[String],
    load: Load<'_>,
    pieces: &mut Vec<Piece>,
) -> Result<()> {
    if stack.iter().any(|above| above == file) {
        bail!(
            "{file} imports itself, by way of {}",
            stack.last().map_or("", |above| above.as_str())
        );
    }
    let source = match stack.last() {
        Some(by) => load(file).with_context(|| format!("an @import in {by} leads nowhere"))?,
        None => load(file)?,
    };
    let sheet = Sheet::parse(&source).with_context(|| format!("{file} cannot be bundled"))?;
    if !sheet.layers.is_empty() {
        // A piece of its own, in front of what the imports bring: it fixes the order of the layers.
        pieces.push(Piece {
            file: file.join("@layer"),
            blocks: blocks.to_vec(),
            body: sheet.layers.clone(),
        });
    }
    stack.push(file.to_owned());
    for import in &sheet.imports {
        let folder = file.parent().unwrap_or(Utf8Path::new(""));
        let inner: Vec<String> = blocks.iter().chain(&import.blocks).cloned().collect();
        collect(
            &normal(&folder.join(&import.file)),
            stack,
            &inner,
            load,
            pieces,
        )?;
    }
    stack.pop();
    pieces.push(Piece {
        file: file.to_owned(),
        blocks: blocks.to_vec(),
        body: sheet.body.to_owned(),
    });
    Ok(())
}

/// `path` without `.` and `..`, so that one file has one name.
fn normal(path: &Utf8Path) -> Utf8PathBuf {
    let mut normal = Utf8PathBuf::new();
    for component in path.components() {
        match component {
            Utf8Component::CurDir => {}
            Utf8Component::ParentDir if normal.file_name().is_some() => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bundles `main.css` from files given by name and text.
    fn of(files: &[(&str, &str)]) -> Result<String> {
        bundle_with("style/main.css".into(), &|path| {
            let found = files.iter().find(|(name, _)| path == *name);
            found
                .map(|(_, text)| (*text).to_owned())
                .with_context(|| format!("{path} is missing"))
        })
    }

    #[test]
    fn imports_come_first_and_in_their_order() {
        let css = of(&[
            (
                "style/main.css",
                "@charset \"utf-8\";\n/* parts */\n@import \"./a.css\";\n@import url(sub/b.css);\n\nbody { top: 0 }\n",
            ),
            ("style/a.css", "/* a */\na { color: red }\n"),
            (
                "style/sub/b.css",
                "@import '../../realtime/style/c.css';\nb { left: 0 }",
            ),
            ("realtime/style/c.css", "c { right: 0 }"),
        ]);
        assert_eq!(
            css.expect("bundled"),
            "/* a */\na { color: red }\nc { right: 0 }\nb { left: 0 }\nbody { top: 0 }\n"
        );
    }

    #[test]
    fn a_file_imported_twice_counts_where_it_is_imported_last() {
        let css = of(&[
            (
                "style/main.css",
                "@import \"a.css\"; @import \"b.css\"; @import \"./a.css\";",
            ),
            ("style/a.css", "a{}"),
            ("style/b.css", "b{}"),
        ]);
        assert_eq!(css.expect("bundled"), "b{}\na{}\n");
    }

    #[test]
    fn layers_and_media_queries_become_blocks() {
        let css = of(&[
            (
                "style/main.css",
                "@layer base, parts;\n@import \"a.css\" layer(base);\n@import \"b.css\" layer(parts) print;\n@layer parts { d {} }",
            ),
            ("style/a.css", "a{}"),
            ("style/b.css", "@import \"c.css\" (width > 40rem);\nb{}"),
            ("style/c.css", "c{}"),
        ]);
        let expected = "@layer base, parts;\n@layer base {\na{}\n}\n\
            @media print {\n@layer parts {\n@media (width > 40rem) {\nc{}\n}\n}\n}\n\
            @media print {\n@layer parts {\nb{}\n}\n}\n@layer parts { d {} }\n";
        assert_eq!(css.expect("bundled"), expected);
    }

    #[test]
    fn what_cannot_be_bundled_gets_a_sentence() {
        let message = |main: &str| {
            let error = of(&[
                ("style/main.css", main),
                ("style/loop.css", "@import 'main.css';"),
            ])
            .expect_err(main);
            format!("{error:#}")
        };
        assert!(message("@import \"gone.css\";").contains("style/main.css leads nowhere"));
        assert!(message("@import \"loop.css\";").contains("imports itself"));
        assert!(message("@import \"https://example.org/x.css\";").contains("not relative"));
        assert!(message("@import \"/x.css\";").contains("not relative"));
        assert!(message("a {}\n@import \"x.css\";").contains("move it to the top"));
        assert!(message("@import \"x.css\"").contains("semicolon"));
        assert!(message("@import x.css;").contains("names no file"));
        assert!(message("@import \"a.css\" supports(display: grid);").contains("@supports"));
    }

    #[test]
    fn an_import_in_a_comment_is_no_import() {
        let css = of(&[("style/main.css", "a {}\n/* @import \"x.css\"; */")]);
        assert_eq!(css.expect("bundled"), "a {}\n/* @import \"x.css\"; */\n");
    }
}
