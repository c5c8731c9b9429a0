//! `[[workspace.metadata.leptos]]`, and what a package has like it, with the keys and defaults of `cargo leptos`.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, ensure};
use cargo_metadata::{Package, camino::Utf8PathBuf};
use serde::Deserialize;

/// The keys of `[[workspace.metadata.leptos]]`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Leptos {
    pub name: String,
    pub bin_package: String,
    pub lib_package: String,
    pub bin_exe_name: Option<String>,
    pub output_name: String,
    pub site_root: Utf8PathBuf,
    #[serde(default = "default_pkg_dir")]
    pub site_pkg_dir: Utf8PathBuf,
    pub site_addr: SocketAddr,
    #[serde(default = "default_reload_port")]
    pub reload_port: u16,
    pub style_file: Option<Utf8PathBuf>,
    pub assets_dir: Option<Utf8PathBuf>,
    pub env: Option<String>,
    #[serde(default)]
    pub bin_features: Vec<String>,
    #[serde(default)]
    pub bin_default_features: bool,
    #[serde(default)]
    pub lib_features: Vec<String>,
    #[serde(default)]
    pub lib_default_features: bool,
    pub bin_profile_dev: Option<String>,
    pub bin_profile_release: Option<String>,
    pub lib_profile_dev: Option<String>,
    pub lib_profile_release: Option<String>,
    /// Flags for `wasm-opt`; a default is used without them.
    #[serde(default)]
    pub wasm_opt_features: Vec<String>,
    #[serde(default)]
    pub hash_files: bool,
}

fn default_pkg_dir() -> Utf8PathBuf {
    "pkg".into()
}

fn default_reload_port() -> u16 {
    3001
}

impl Leptos {
    /// Finds the one section in the workspace's metadata.
    pub fn read(workspace_metadata: &serde_json::Value) -> Result<Self> {
        let sections = workspace_metadata.get("leptos").context(
            "Cargo.toml has no [[workspace.metadata.leptos]]: run the command inside the project",
        )?;
        let mut sections = Vec::<Self>::deserialize(sections)
            .context("[[workspace.metadata.leptos]] in Cargo.toml cannot be read")?;
        ensure!(
            sections.len() == 1,
            "Cargo.toml must have one [[workspace.metadata.leptos]], not {}",
            sections.len()
        );
        sections.remove(0).checked()
    }

    /// The section of a package that is client and server in one: it names neither, and its paths begin in its folder.
    pub fn of_package(package: &Package) -> Result<Self> {
        let manifest = &package.manifest_path;
        let mut section = package
            .metadata
            .get("embed")
            .with_context(|| format!("{manifest} has no [package.metadata.embed]"))?
            .clone();
        for key in ["name", "bin-package", "lib-package"] {
            section[key] = package.name.to_string().into();
        }
        let mut leptos = Self::deserialize(section)
            .with_context(|| format!("[package.metadata.embed] in {manifest} cannot be read"))?;
        for path in [&mut leptos.style_file, &mut leptos.assets_dir]
            .into_iter()
            .flatten()
        {
            *path = manifest.with_file_name(&path);
        }
        leptos.checked()
    }

    fn checked(self) -> Result<Self> {
        ensure!(
            !self.hash_files,
            "hash-files = true in Cargo.toml is not supported: remove it"
        );
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_without_leptos_metadata_gets_a_sentence() {
        let error = Leptos::read(&serde_json::Value::Null).expect_err("no metadata");
        assert!(
            error.to_string().contains("[[workspace.metadata.leptos]]"),
            "{error}"
        );
    }
}
