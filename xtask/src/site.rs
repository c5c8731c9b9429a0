//! The site: the folder that the server serves files from.
//!
//! It is assembled from a plan, which says what each file in it is. Unchanged files are left alone, so that browsers
//! may keep them, and what the plan does not name is removed.

use std::{collections::BTreeMap, fs};

use anyhow::{Context as _, Result};
use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};

use crate::{
    client::Client,
    compressed::{self, Encoding},
    css,
    mode::Mode,
    project::Project,
};

/// What a file of the site is made of.
enum Content {
    File(Utf8PathBuf),
    Text(String),
}

type Plan = BTreeMap<Utf8PathBuf, Content>;

/// Puts the client, the styles and the assets in place. `wasm` is the client's Wasm file as it is to be served. For
/// release there are compressed copies beside each file that is worth it: what a server makes itself while a visitor
/// waits is a quarter larger.
pub fn assemble(project: &Project, client: &Client, wasm: &Utf8Path, mode: Mode) -> Result<()> {
    let plan = plan(project, client, wasm)?;
    let changed = write(&project.site_root, &plan, mode == Mode::Release)?;
    println!(
        "  {} files in {}, {changed} changed",
        plan.len(),
        project.site_root
    );
    Ok(())
}

fn plan(project: &Project, client: &Client, wasm: &Utf8Path) -> Result<Plan> {
    let leptos = &project.leptos;
    let mut plan = Plan::new();
    if let Some(assets) = &leptos.assets_dir {
        let folder = project.root.join(assets);
        if folder.exists() {
            add_folder(&mut plan, &folder, Utf8Path::new(""))?;
        }
    }
    add_folder(&mut plan, &client.folder, &leptos.site_pkg_dir)?;
    let served = |extension: &str| {
        leptos
            .site_pkg_dir
            .join(format!("{}.{extension}", leptos.output_name))
    };
    plan.insert(served("wasm"), Content::File(wasm.to_owned()));
    if let Some(style) = &leptos.style_file {
        plan.insert(
            served("css"),
            Content::Text(css::bundle(&project.root.join(style))?),
        );
    }
    Ok(plan)
}

/// Plans every file below `folder`, under the same names below `at`.
fn add_folder(plan: &mut Plan, folder: &Utf8Path, at: &Utf8Path) -> Result<()> {
    for entry in entries(folder)? {
        let to = at.join(entry.file_name().unwrap_or_default());
        if entry.is_dir() {
            add_folder(plan, &entry, &to)?;
        } else {
            plan.insert(to, Content::File(entry));
        }
    }
    Ok(())
}

/// Makes `root` equal to the plan and returns how many files had to be written.
fn write(root: &Utf8Path, plan: &Plan, compress: bool) -> Result<usize> {
    fs::create_dir_all(root).with_context(|| format!("{root} cannot be created"))?;
    remove_others(root, Utf8Path::new(""), plan, compress)?;
    let mut changed = 0;
    for (name, content) in plan {
        let to = root.join(name);
        let bytes = match content {
            Content::File(from) => {
                fs::read(from).with_context(|| format!("{from} cannot be read"))?
            }
            Content::Text(text) => text.clone().into_bytes(),
        };
        let copies = Encoding::ALL.into_iter().filter(|_| compress);
        let copies = copies.filter_map(|how| Some((how, root.join(how.name(name)?))));
        let copies: Vec<_> = copies.collect();
        let there = fs::read(&to).is_ok_and(|there| there == bytes);
        if there && copies.iter().all(|(_, copy)| copy.exists()) {
            continue;
        }
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).with_context(|| format!("{folder} cannot be created"))?;
        }
        // Before the file itself, whose being there says that its copies are of it.
        for (how, copy) in copies {
            let small = how.compress(&bytes)?;
            fs::write(&copy, small).with_context(|| format!("{copy} cannot be written"))?;
        }
        fs::write(&to, bytes).with_context(|| format!("{to} cannot be written"))?;
        changed += 1;
    }
    Ok(changed)
}

fn remove_others(root: &Utf8Path, below: &Utf8Path, plan: &Plan, compress: bool) -> Result<()> {
    let is_copy =
        |name: &Utf8Path| compress && compressed::of(name).is_some_and(|of| plan.contains_key(of));
    for entry in entries(&root.join(below))? {
        let name = below.join(entry.file_name().unwrap_or_default());
        let failed = || format!("{entry} is left over and cannot be removed");
        if plan.contains_key(&name) || is_copy(&name) {
            if entry.is_dir() {
                fs::remove_dir_all(&entry).with_context(failed)?;
            }
        } else if plan.keys().any(|planned| planned.starts_with(&name)) && entry.is_dir() {
            remove_others(root, &name, plan, compress)?;
        } else if entry.is_dir() {
            fs::remove_dir_all(&entry).with_context(failed)?;
        } else {
            fs::remove_file(&entry).with_context(failed)?;
        }
    }
    Ok(())
}

fn entries(folder: &Utf8Path) -> Result<Vec<Utf8PathBuf>> {
    let failed = || format!("{folder} cannot be listed");
    folder
        .read_dir_utf8()
        .with_context(failed)?
        .map(|entry| Ok(entry.with_context(failed)?.into_path()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_site_becomes_what_the_plan_says_and_nothing_is_written_twice() {
        let base = Utf8PathBuf::from_path_buf(std::env::temp_dir()).expect("a UTF-8 path");
        let root = base.join(format!("xtask-site-{}", std::process::id()));
        let text = |text: &str| Content::Text(text.to_owned());
        let mut plan = Plan::from([
            ("robots.txt".into(), text("all")),
            ("pkg/forum.css".into(), text("a{}")),
        ]);
        assert_eq!(write(&root, &plan, false).expect("written"), 2);
        assert_eq!(write(&root, &plan, false).expect("written"), 0);

        fs::create_dir_all(root.join("old/er")).expect("a folder");
        fs::write(root.join("old/er/file"), "x").expect("written");
        fs::write(root.join("pkg/old.js"), "x").expect("written");
        plan.insert("pkg/forum.css".into(), text("b{}"));
        assert_eq!(write(&root, &plan, false).expect("written"), 1);
        assert_eq!(
            fs::read_to_string(root.join("pkg/forum.css")).expect("there"),
            "b{}"
        );
        assert!(!root.join("old").exists() && !root.join("pkg/old.js").exists());

        let mut found = Plan::new();
        add_folder(&mut found, &root, Utf8Path::new("")).expect("listed");
        assert!(found.keys().eq(plan.keys()));
        fs::remove_dir_all(&root).expect("removed");
    }

    #[test]
    fn a_release_has_compressed_copies_which_go_with_it() {
        let base = Utf8PathBuf::from_path_buf(std::env::temp_dir()).expect("a UTF-8 path");
        let root = base.join(format!("xtask-site-copies-{}", std::process::id()));
        let plan = Plan::from([("pkg/forum.css".into(), Content::Text("a{}".to_owned()))]);
        let copies = ["br", "gz"].map(|kind| root.join(format!("pkg/forum.css.{kind}")));
        let there = || copies.each_ref().map(|copy| copy.exists());
        assert_eq!(write(&root, &plan, false).expect("written"), 1);
        assert_eq!(there(), [false, false]);
        assert_eq!(write(&root, &plan, true).expect("written"), 1);
        assert_eq!(there(), [true, true]);
        assert_eq!(write(&root, &plan, true).expect("written"), 0);
        fs::remove_file(&copies[1]).expect("removed");
        assert_eq!(write(&root, &plan, true).expect("written"), 1);
        assert_eq!(there(), [true, true]);
        assert_eq!(write(&root, &plan, false).expect("written"), 0);
        assert_eq!(there(), [false, false], "nobody would keep them up to date");
        fs::remove_dir_all(&root).expect("removed");
    }
}
