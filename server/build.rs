//! With the feature `embed-site`: writes down the files of the built site, for the executable to hold them.
//!
//! The site is what `LEPTOS_SITE_ROOT` names, as both `cargo xtask` and `cargo leptos` set it. It must be complete before
//! this runs: a folder that is half there is an error, because nobody would notice until a browser does.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use sha2::{Digest as _, Sha256};

const HOW: &str = "build it first: `cargo xtask build`, or `cargo leptos build --release --precompress \
    --bin-features embed-site`, which builds the client before the server";

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_EMBED_SITE").is_none() {
        return ExitCode::SUCCESS;
    }
    match embed() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("cargo::error={error}");
            ExitCode::FAILURE
        }
    }
}

/// A file of the site, and where its compressed copies are.
struct File {
    /// Below the site, with slashes.
    name: String,
    path: PathBuf,
    hash: String,
    gzip: Option<PathBuf>,
    brotli: Option<PathBuf>,
}

fn embed() -> Result<(), Box<dyn Error>> {
    let root = site_root()?;
    println!("cargo::rerun-if-changed={}", root.display());
    let pkg = variable("LEPTOS_SITE_PKG_DIR", "pkg");
    let output = variable("LEPTOS_OUTPUT_NAME", "forum");
    let mut paths = Vec::new();
    if root.is_dir() {
        walk(&root, &mut paths)?;
    }
    paths.sort();
    let files = files(&root, &paths)?;
    for extension in ["js", "wasm", "css"] {
        let needed = format!("{pkg}/{output}.{extension}");
        let file = files.iter().find(|file| file.name == needed);
        let Some(file) = file else {
            return Err(format!("the site in {} lacks {needed}; {HOW}", root.display()).into());
        };
        let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
        if is_release && (file.gzip.is_none() || file.brotli.is_none()) {
            let root = root.display();
            return Err(format!("{needed} in {root} has no compressed copies; {HOW}").into());
        }
    }
    let out = env::var_os("OUT_DIR").ok_or("cargo sets no OUT_DIR")?;
    fs::write(Path::new(&out).join("site.rs"), table(&files, &pkg)?)?;
    Ok(())
}

fn variable(name: &str, default: &str) -> String {
    println!("cargo::rerun-if-env-changed={name}");
    env::var(name).unwrap_or_else(|_| default.to_owned())
}

/// As a path, it begins in the workspace's folder.
fn site_root() -> Result<PathBuf, Box<dyn Error>> {
    let package = env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo sets no CARGO_MANIFEST_DIR")?;
    let workspace = Path::new(&package)
        .parent()
        .ok_or("there is no workspace")?;
    Ok(workspace.join(variable("LEPTOS_SITE_ROOT", "target/site")))
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

/// What the site consists of: a file with one more extension than another is a compressed copy of that.
fn files(root: &Path, paths: &[PathBuf]) -> Result<Vec<File>, Box<dyn Error>> {
    let copy = |path: &Path, extension: &str| {
        let mut copy = path.as_os_str().to_owned();
        copy.push(extension);
        Some(PathBuf::from(copy)).filter(|copy| paths.contains(copy))
    };
    let is_copy = |path: &Path| {
        let extension = path.extension().and_then(|extension| extension.to_str());
        matches!(extension, Some("br" | "gz")) && paths.contains(&path.with_extension(""))
    };
    let mut files = Vec::new();
    for path in paths.iter().filter(|path| !is_copy(path)) {
        let parts = path.strip_prefix(root)?.iter();
        let name = parts.map(|part| part.to_string_lossy()).collect::<Vec<_>>();
        let name = name.join("/");
        // Browsers write others in a form of their own.
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-._~/".contains(letter);
        if !name.chars().all(is_plain) {
            return Err(
                format!("rename {name:?}: letters, digits, -, ., _ and ~ are served").into(),
            );
        }
        files.push(File {
            hash: hex(&Sha256::digest(fs::read(path)?)),
            gzip: copy(path, ".gz"),
            brotli: copy(path, ".br"),
            path: path.clone(),
            name,
        });
    }
    Ok(files)
}

/// The first 16 digits: two contents of one file do not share them.
fn hex(hash: &[u8]) -> String {
    hash.iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The site as Rust.
fn table(files: &[File], pkg: &str) -> Result<String, Box<dyn Error>> {
    let below = format!("{pkg}/");
    let mut version = Sha256::new();
    for file in files.iter().filter(|file| file.name.starts_with(&below)) {
        version.update(&file.name);
        version.update(&file.hash);
    }
    let version = hex(&version.finalize());
    let mut text = format!("Site {{ pkg: {pkg:?}, version: {version:?}, files: &[\n");
    for File {
        name,
        path,
        hash,
        gzip,
        brotli,
    } in files
    {
        let include = |path: &Path| format!("include_bytes!({:?})", path.display().to_string());
        let copy = |path: &Option<PathBuf>| match path {
            Some(path) => format!("Some({})", include(path)),
            None => "None".to_owned(),
        };
        let (raw, gzip, brotli) = (include(path), copy(gzip), copy(brotli));
        writeln!(
            text,
            "File {{ name: {name:?}, hash: {hash:?}, raw: {raw}, gzip: {gzip}, brotli: {brotli} }},"
        )?;
    }
    text.push_str("] }");
    Ok(text)
}
