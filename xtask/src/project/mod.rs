//! The project as the root `Cargo.toml` describes it.
//!
//! `[[workspace.metadata.leptos]]` is read the way `cargo leptos` reads it, so both build the same site from the same
//! facts. Only the keys that this project uses are known here.

mod leptos;
mod members;

use std::env;

use anyhow::{Context as _, Result, bail};
use cargo_metadata::{
    CrateType, Metadata, MetadataCommand, Package,
    camino::{Utf8Path, Utf8PathBuf},
};

use self::{leptos::Leptos, members::Member};

/// A site root that starts with this lies in cargo's target folder, wherever that is.
const TARGET_DIR_MARKER: &str = "CARGO_TARGET_DIR";

/// What the commands need to know, with absolute paths.
#[derive(Debug)]
pub struct Project {
    pub root: Utf8PathBuf,
    pub target: Utf8PathBuf,
    /// Where the assembled site lies.
    pub site_root: Utf8PathBuf,
    /// The cdylib target of the client's package, which names the compiled file.
    pub client_target: String,
    /// The server's package and the workspace crates that it is made of.
    pub server_half: Vec<Member>,
    pub leptos: Leptos,
    /// What every build has as `LEPTOS_OUTPUT_NAME`, whatever its site is called: that it is set is compiled in, and
    /// another value would compile half of the server anew.
    pub compiled_in: String,
}

/// The package that is built from the guide in `realtime/README.md`.
const EMBED: &str = "embed";

impl Project {
    /// Asks cargo about the workspace around the current folder.
    pub fn load() -> Result<Self> {
        let project = Self::from_metadata(&metadata(&MetadataCommand::new())?)?;
        project.check_output_name(env::var("LEPTOS_OUTPUT_NAME").ok().as_deref())?;
        Ok(project)
    }

    fn from_metadata(metadata: &Metadata) -> Result<Self> {
        let leptos = Leptos::read(&metadata.workspace_metadata)?;
        let compiled_in = leptos.output_name.clone();
        Self::of(metadata, leptos, compiled_in)
    }

    /// The small host in `end2end/embed`: a project in the same workspace, with a site of its own.
    pub fn embed(&self) -> Result<Self> {
        let metadata = metadata(MetadataCommand::new().current_dir(&self.root))?;
        let leptos = Leptos::of_package(package(&metadata, EMBED)?)?;
        Self::of(&metadata, leptos, self.compiled_in.clone())
    }

    fn of(metadata: &Metadata, leptos: Leptos, compiled_in: String) -> Result<Self> {
        let root = metadata.workspace_root.clone();
        let target = metadata.target_directory.clone();
        let site_root = site_root(&root, &target, &leptos.site_root)?;
        let client = package(metadata, &leptos.lib_package)?;
        let client_target = client
            .targets
            .iter()
            .find(|target| target.crate_types.contains(&CrateType::CDyLib))
            .with_context(|| {
                format!(
                    "the package `{}` has no library with crate-type \"cdylib\"",
                    client.name
                )
            })?
            .name
            .replace('-', "_");
        let server_half = members::of_server(metadata, package(metadata, &leptos.bin_package)?);
        Ok(Self {
            root,
            target,
            site_root,
            client_target,
            server_half,
            leptos,
            compiled_in,
        })
    }

    /// Leptos compiles this variable in: it decides what the client's file is called in the pages, and a build with
    /// another value recompiles half of the server. So `.cargo/config.toml` sets it for every build, also for those
    /// that are started by hand or by an editor, and must agree with the metadata.
    fn check_output_name(&self, variable: Option<&str>) -> Result<()> {
        let name = &self.leptos.output_name;
        match variable {
            Some(other) if other != name => bail!(
                "LEPTOS_OUTPUT_NAME is `{other}` but output-name in Cargo.toml is `{name}`: make `[env]` in .cargo/config.toml agree"
            ),
            _ => Ok(()),
        }
    }

    /// The target folder of the client's builds, apart from the server's so that the two do not disturb each other.
    pub fn front_target(&self) -> Utf8PathBuf {
        self.target.join("front")
    }

    /// The folder with the end-to-end tests and their npm packages.
    pub fn end2end(&self) -> Utf8PathBuf {
        self.root.join("end2end")
    }

    /// The workspace of the fuzz targets.
    pub fn fuzz(&self) -> Utf8PathBuf {
        self.root.join("fuzz")
    }

    pub fn exe_name(&self) -> &str {
        self.leptos
            .bin_exe_name
            .as_deref()
            .unwrap_or(&self.leptos.bin_package)
    }
}

/// The absolute site root. It must lie in the target folder: assembling the site deletes what does not belong there.
fn site_root(root: &Utf8Path, target: &Utf8Path, named: &Utf8Path) -> Result<Utf8PathBuf> {
    let below = named
        .strip_prefix(TARGET_DIR_MARKER)
        .or_else(|_| named.strip_prefix("target"))
        .or_else(|_| named.strip_prefix(root.join("target")));
    match below {
        Ok(below) if below != "" && !below.as_str().contains("..") => Ok(target.join(below)),
        _ => bail!("site-root in Cargo.toml is `{named}`: it must be a folder below `target/`"),
    }
}

fn metadata(command: &MetadataCommand) -> Result<Metadata> {
    let metadata = command.clone().no_deps().exec();
    metadata.map_err(|error| match error {
        cargo_metadata::Error::CargoMetadata { stderr } => {
            anyhow::anyhow!("cargo cannot read the workspace: {}", stderr.trim())
        }
        other => anyhow::Error::new(other).context("cargo cannot be asked about the workspace"),
    })
}

fn package<'a>(metadata: &'a Metadata, name: &str) -> Result<&'a Package> {
    metadata
        .packages
        .iter()
        .find(|package| package.name == name)
        .with_context(|| format!("the package `{name}` is not in the workspace"))
}

#[cfg(test)]
impl Project {
    /// This very workspace, for tests.
    pub fn here() -> Self {
        let metadata = MetadataCommand::new()
            .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
            .no_deps()
            .exec()
            .expect("cargo knows the workspace");
        Self::from_metadata(&metadata).expect("the workspace is a Leptos project")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_is_understood() {
        let project = Project::here();
        let names: Vec<_> = project
            .server_half
            .iter()
            .map(|member| member.name.as_str())
            .collect();
        assert_eq!(names.last(), Some(&project.leptos.bin_package.as_str()));
        let library = project
            .server_half
            .iter()
            .find(|member| member.name == crate::cargo::LIBRARY);
        let library = library.expect("the server is built on the library");
        assert!(library.features.contains(&"ssr".to_owned()), "{library:?}");
        assert!(
            !names.contains(&project.leptos.lib_package.as_str()),
            "the client is not part of the server"
        );
        assert!(project.site_root.starts_with(&project.target));
    }

    #[test]
    fn the_site_root_follows_the_target_folder() {
        let root = Utf8Path::new("/project");
        let at = |target: &str, named: &str| site_root(root, target.into(), named.into());
        assert_eq!(
            at("/project/target", "target/site").expect("fine"),
            "/project/target/site"
        );
        assert_eq!(
            at("/cache/t", "target/site").expect("fine"),
            "/cache/t/site"
        );
        assert_eq!(
            at("/cache/t", "CARGO_TARGET_DIR/site").expect("fine"),
            "/cache/t/site"
        );
        for dangerous in [
            "/",
            ".",
            "target",
            "target/../src",
            "public",
            "/etc",
            "targets/x",
        ] {
            let error = at("/project/target", dangerous).expect_err(dangerous);
            assert!(error.to_string().contains("site-root"), "{error}");
        }
    }

    #[test]
    fn the_embedding_host_is_a_project_beside_this_one() {
        let project = Project::here();
        let embed = project.embed().expect("a Leptos project");
        assert_eq!(embed.leptos.lib_package, embed.leptos.bin_package);
        assert_eq!(embed.compiled_in, project.leptos.output_name);
        let taken = [
            (&embed.site_root, &project.site_root),
            (&embed.client_target.into(), &project.client_target.into()),
            (
                &embed.leptos.output_name.into(),
                &project.leptos.output_name.into(),
            ),
        ];
        for (its, ours) in taken {
            assert_ne!(its, ours);
        }
        let style = embed.leptos.style_file.expect("the template has styles");
        assert!(style.is_absolute() && style.exists(), "{style}");
    }

    #[test]
    fn the_compiled_in_output_name_must_agree() {
        let project = Project::here();
        assert!(project.check_output_name(None).is_ok());
        assert!(
            project
                .check_output_name(Some(&project.leptos.output_name))
                .is_ok()
        );
        let error = project
            .check_output_name(Some("other"))
            .expect_err("a different name");
        assert!(error.to_string().contains(".cargo/config.toml"), "{error}");
    }
}
