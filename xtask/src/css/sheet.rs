//! The top of a style sheet: the only part of CSS that bundling has to understand.

use anyhow::{Context as _, Result, bail};

/// A file taken apart: what stands before its first rule, and the rest.
#[derive(Debug, PartialEq, Eq)]
pub struct Sheet<'a> {
    /// `@layer a, b;` statements.
    pub layers: String,
    pub imports: Vec<Import>,
    pub body: &'a str,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Import {
    pub file: String,
    /// What the conditions after the name become around the file's content, outermost first.
    pub blocks: Vec<String>,
}

impl<'a> Sheet<'a> {
    pub fn parse(source: &'a str) -> Result<Self> {
        let mut sheet = Self {
            layers: String::new(),
            imports: Vec::new(),
            body: source,
        };
        loop {
            let rest = skip_comments(sheet.body);
            if let Some(after) = keyword(rest, "@import") {
                let (statement, after) = statement(after)?;
                sheet.imports.push(Import::parse(statement)?);
                sheet.body = after;
            } else if let Some(after) = keyword(rest, "@charset") {
                // The bundle is UTF-8, as are its parts.
                sheet.body = statement(after)?.1;
            } else if let Some(after) = keyword(rest, "@layer")
                && let Some(end) = after.find([';', '{'])
                && after[end..].starts_with(';')
            {
                sheet
                    .layers
                    .push_str(&format!("@layer {};\n", after[..end].trim()));
                sheet.body = &after[end + 1..];
            } else {
                break;
            }
        }
        if without_comments(sheet.body)
            .to_ascii_lowercase()
            .contains("@import")
        {
            bail!(
                "an @import stands after other rules, where browsers ignore it: move it to the top"
            );
        }
        Ok(sheet)
    }
}

impl Import {
    /// Reads what stands between `@import` and the semicolon.
    fn parse(statement: &str) -> Result<Self> {
        let statement = statement.trim();
        let broken = || format!("`@import {statement};` names no file");
        let (file, conditions) = if let Some(rest) = statement.strip_prefix("url(") {
            rest.split_once(')').with_context(broken)?
        } else {
            let quote = statement
                .chars()
                .next()
                .filter(|first| ['"', '\''].contains(first))
                .with_context(broken)?;
            statement[1..].split_once(quote).with_context(broken)?
        };
        let file = file.trim().trim_matches(['"', '\'']);
        if file.is_empty() {
            bail!(broken());
        }
        if file.starts_with('/') || file.contains("//") {
            bail!(
                "`@import \"{file}\"` is not relative: only files of this project can be imported"
            );
        }
        Ok(Self {
            file: file.to_owned(),
            blocks: blocks(conditions.trim())?,
        })
    }
}

/// The blocks that an import's conditions stand for, outermost first.
fn blocks(conditions: &str) -> Result<Vec<String>> {
    if conditions.contains("supports(") {
        bail!(
            "`supports(…)` in an @import is not supported: write `@supports` in the imported file"
        );
    }
    let (layer, media) = match conditions.strip_prefix("layer") {
        Some(rest) if rest.starts_with('(') => {
            let (name, media) = rest[1..]
                .split_once(')')
                .context("a `layer(` in an @import is not closed")?;
            (Some(format!("@layer {}", name.trim())), media.trim())
        }
        Some(rest) if rest.is_empty() || rest.starts_with(char::is_whitespace) => {
            (Some("@layer".to_owned()), rest.trim())
        }
        _ => (None, conditions),
    };
    let media = Some(media)
        .filter(|media| !media.is_empty())
        .map(|media| format!("@media {media}"));
    Ok(media.into_iter().chain(layer).collect())
}

/// What follows `word` where `text` starts with it as a whole word.
fn keyword<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(word.len())?;
    let whole = rest.starts_with(|next: char| next.is_whitespace() || ['"', '\''].contains(&next));
    (start.eq_ignore_ascii_case(word) && whole).then_some(rest)
}

/// Splits behind the semicolon that ends a statement; semicolons in quotes do not.
fn statement(text: &str) -> Result<(&str, &str)> {
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match quote {
            Some(open) if character == open => quote = None,
            Some(_) => {}
            None if character == ';' => return Ok((&text[..at], &text[at + 1..])),
            None if ['"', '\''].contains(&character) => quote = Some(character),
            None => {}
        }
    }
    bail!("a statement at the top does not end: its semicolon is missing")
}

fn skip_comments(text: &str) -> &str {
    let mut text = text.trim_start();
    while let Some(comment) = text.strip_prefix("/*") {
        text = comment
            .split_once("*/")
            .map_or("", |(_, after)| after)
            .trim_start();
    }
    text
}

fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, comment)) = rest.split_once("/*") {
        kept.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    kept + rest
}
