//! The workspace crates that the server is made of.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, Metadata, Package};

/// A workspace crate of the server half.
#[derive(Debug, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    /// The features to test it with, among those that it has.
    pub features: Vec<String>,
}

/// The server's package and all workspace crates that it depends on, dependencies first.
pub fn of_server(metadata: &Metadata, server: &Package) -> Vec<Member> {
    let mut found = Vec::new();
    collect(metadata, server, &mut BTreeSet::new(), &mut found);
    found.into_iter().map(Member::of).collect()
}

fn collect<'a>(
    metadata: &'a Metadata,
    package: &'a Package,
    seen: &mut BTreeSet<&'a str>,
    found: &mut Vec<&'a Package>,
) {
    if !seen.insert(package.name.as_str()) {
        return;
    }
    for dependency in &package.dependencies {
        let Some(path) = dependency
            .path
            .as_ref()
            .filter(|_| dependency.kind == DependencyKind::Normal)
        else {
            continue;
        };
        let manifest = path.join("Cargo.toml");
        if let Some(member) = metadata
            .packages
            .iter()
            .find(|package| package.manifest_path == manifest)
        {
            collect(metadata, member, seen, found);
        }
    }
    found.push(package);
}

impl Member {
    /// The features as cargo takes them.
    pub fn enabled(&self) -> Vec<String> {
        let named = |feature| format!("{}/{feature}", self.name);
        self.features.iter().map(named).collect()
    }

    fn of(package: &Package) -> Self {
        const FOR_TESTS: [&str; 11] = [
            "ssr",
            "testing",
            "jwt",
            "sqlite",
            "postgres",
            "redis",
            "simulated-redis",
            "telegram",
            "smtp",
            "metrics",
            "otlp",
        ];
        Self {
            name: package.name.to_string(),
            features: FOR_TESTS
                .into_iter()
                .filter(|feature| package.features.contains_key(*feature))
                .map(str::to_owned)
                .collect(),
        }
    }
}
