//! The client: compiled by cargo, made loadable by wasm-bindgen.
//!
//! The `wasm-bindgen` library is linked in, so nobody installs a tool whose version must match. What it makes is kept
//! per profile beside the compiled file, and [`site`](crate::site) copies it to where it is served.

use std::fs;

use anyhow::{Context as _, Result};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use wasm_bindgen_cli_support::Bindgen;

use crate::{
    cargo,
    mode::{Mode, profile_folder},
    process,
    project::Project,
    stamp,
};

/// Part of the stamp: change it together with [`bind`].
const SETTINGS: &str = "wasm-bindgen, web, 2";

/// The client as browsers load it.
pub struct Client {
    /// Everything to serve, among it the files below.
    pub folder: Utf8PathBuf,
    pub wasm: Utf8PathBuf,
    pub script: Utf8PathBuf,
}

impl Client {
    fn at(project: &Project, mode: Mode) -> Self {
        let folder = working_folder(project).join(profile_folder(mode.client_profile(project)));
        let name = &project.leptos.output_name;
        Self {
            wasm: folder.join(format!("{name}.wasm")),
            script: folder.join(format!("{name}.js")),
            folder,
        }
    }
}

/// Where files on their way to the site are kept.
pub fn working_folder(project: &Project) -> Utf8PathBuf {
    let name = &project.leptos.output_name;
    project.front_target().join("bindgen").join(name)
}

/// Compiles the client and makes it loadable.
pub fn build(project: &Project, mode: Mode) -> Result<Client> {
    process::run(&mut cargo::build_clients(&[project], mode))?;
    loadable(project, mode)
}

/// Makes a client loadable that is compiled.
pub fn loadable(project: &Project, mode: Mode) -> Result<Client> {
    let input = cargo::client_file(project, mode);
    let client = Client::at(project, mode);
    let stamp = client.folder.with_extension("stamp");
    let files: [&Utf8Path; 3] = [&input, &client.wasm, &client.script];
    if !stamp::is_fresh(&stamp, SETTINGS, &files) {
        println!("  wasm-bindgen {}", input.file_name().unwrap_or_default());
        bind(project, mode, &input, &client)?;
        stamp::write(&stamp, SETTINGS, &files)?;
    }
    Ok(client)
}

fn bind(project: &Project, mode: Mode, input: &Utf8Path, client: &Client) -> Result<()> {
    if client.folder.exists() {
        fs::remove_dir_all(&client.folder)
            .with_context(|| format!("{} cannot be emptied", client.folder))?;
    }
    fs::create_dir_all(&client.folder)
        .with_context(|| format!("{} cannot be created", client.folder))?;
    let name = &project.leptos.output_name;
    Bindgen::new()
        .input_path(input)
        .out_name(name)
        .web(true)
        .and_then(|bindgen| {
            bindgen
                .typescript(false)
                // Names make a panic's backtrace readable, and are a good part of the file.
                .remove_name_section(mode == Mode::Release)
                .generate(&client.folder)
        })
        .with_context(|| format!("wasm-bindgen cannot process {input}"))?;
    // The name that `HydrationScripts` asks for when LEPTOS_OUTPUT_NAME was set for the build; so does cargo-leptos.
    let made = client.folder.join(format!("{name}_bg.wasm"));
    fs::rename(&made, &client.wasm).with_context(|| format!("{made} cannot be renamed"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn wasm_bindgen_is_locked_at_one_version_for_both_its_halves() {
        let lock = include_str!("../../Cargo.lock");
        let version = |package: &str| {
            let (_, entry) = lock
                .split_once(&format!("name = \"{package}\"\n"))
                .expect("a locked package");
            entry.lines().next().map(str::to_owned)
        };
        assert_eq!(version("wasm-bindgen"), version("wasm-bindgen-cli-support"));
    }
}
