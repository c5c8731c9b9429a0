//! `wasm-opt` from Binaryen: about half of a release client's size.

use std::process::Command;

use anyhow::{Context as _, Result};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use crate::{
    client::{Client, working_folder},
    process,
    project::Project,
    stamp, tools,
};

/// Used where `wasm-opt-features` is not in the metadata. These are the features that rustc assumes of browsers, by
/// name: `--all-features` makes `wasm-opt` emit imports that Chromium refuses.
const DEFAULT_FLAGS: [&str; 8] = [
    "-Oz",
    "--enable-bulk-memory",
    "--enable-bulk-memory-opt",
    "--enable-reference-types",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-multivalue",
];

/// The executable: npm's `binaryen` in `end2end`, else the one on `PATH`, which distributions often have too old.
pub fn find(project: &Project) -> Option<Utf8PathBuf> {
    let npm = project.end2end().join("node_modules/.bin");
    let found =
        tools::executable(npm.as_std_path(), "wasm-opt").or_else(|| tools::find(&["wasm-opt"]))?;
    Utf8PathBuf::from_path_buf(found).ok()
}

/// Shrinks the client's Wasm file into a file of its own, whose path is returned.
pub fn optimise(project: &Project, tool: &Utf8Path, client: &Client) -> Result<Utf8PathBuf> {
    let output = working_folder(project).join(format!("{}.opt.wasm", project.leptos.output_name));
    let stamp = output.with_extension("stamp");
    let flags = flags(project);
    let settings = format!("{tool} {}", flags.join(" "));
    let files: [&Utf8Path; 2] = [&client.wasm, &output];
    if !stamp::is_fresh(&stamp, &settings, &files) {
        let mut command = Command::new(tool);
        command
            .args(&flags)
            .arg(&client.wasm)
            .arg("-o")
            .arg(&output);
        process::run(&mut command).context(
            "the client cannot be shrunk: `npm ci` in end2end installs a current wasm-opt, `--no-opt` does without",
        )?;
        stamp::write(&stamp, &settings, &files)?;
    }
    Ok(output)
}

fn flags(project: &Project) -> Vec<&str> {
    let named = &project.leptos.wasm_opt_features;
    if named.is_empty() {
        DEFAULT_FLAGS.to_vec()
    } else {
        named.iter().map(String::as_str).collect()
    }
}
