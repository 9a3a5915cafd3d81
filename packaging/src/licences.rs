//! The libraries that are linked into the programs: names, versions, and the texts of their licences.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

/// What the names of files begin with that a licence asks to be passed on.
const NAMES: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "NOTICE", "COPYRIGHT"];

/// Writes one file with all of that for what `package` is linked with.
pub(crate) fn write(package: &str, file: &Path) -> anyhow::Result<()> {
    let sources = sources()?;
    let mut users: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (library, licence) in libraries(package)? {
        let source =
            sources.get(&library).with_context(|| format!("could not find the source of {library}"))?;
        for text in texts(source)? {
            users.entry(text).or_default().push(format!("{library}: {licence}"));
        }
    }
    fs::write(file, document(package, &users)).with_context(|| format!("could not write {}", file.display()))
}

fn document(package: &str, users: &BTreeMap<String, Vec<String>>) -> String {
    let mut out = format!("Libraries that {package} contains, and the texts of their licences.\n");
    for (text, libraries) in users {
        out.push_str(&format!("\n\n{}\n\n{text}\n", libraries.join("\n")));
    }
    out
}

/// What cargo links, as "name vVERSION", with its licence: no build scripts, no macros, no tests; neither ourselves.
fn libraries(package: &str) -> anyhow::Result<BTreeSet<(String, String)>> {
    let tree = cargo(&[
        "tree",
        "--edges=normal,no-proc-macro",
        "--prefix=none",
        "--format={p}\t{l}\t",
        "-p",
        package,
    ])?;
    let columns = tree.lines().filter_map(|line| {
        let mut columns = line.split('\t');
        Some((columns.next()?.to_owned(), columns.next()?.to_owned()))
    });
    // Ours come with the path of their source.
    Ok(columns.filter(|(library, _)| !library.contains('(')).collect())
}

/// Where the source of every library lies.
fn sources() -> anyhow::Result<BTreeMap<String, PathBuf>> {
    // Libraries for other platforms are in no package, and cargo has not fetched them either.
    let platform = run("rustc", &["--print", "host-tuple"])?;
    let metadata = cargo(&["metadata", "--format-version=1", "--filter-platform", platform.trim()])?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    let source = |package: &Value| {
        let library = format!("{} v{}", package["name"].as_str()?, package["version"].as_str()?);
        Some((library, Path::new(package["manifest_path"].as_str()?).parent()?.to_owned()))
    };
    Ok(packages.iter().filter_map(source).collect())
}

fn cargo(arguments: &[&str]) -> anyhow::Result<String> {
    run("cargo", &[arguments, &["--locked"]].concat())
}

fn run(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.with_context(|| format!("could not run {program}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        bail!("{program} {} failed: {said}", arguments[0]);
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The licence's texts that lie at the root of a library's source. Some name a licence and bring no text.
fn texts(source: &Path) -> anyhow::Result<Vec<String>> {
    let unreadable = || format!("could not read {}", source.display());
    let mut texts = Vec::new();
    for entry in fs::read_dir(source).with_context(unreadable)? {
        let entry = entry?;
        if entry.file_type()?.is_file() && is_licence(&entry.file_name()) {
            let text = fs::read(entry.path()).with_context(unreadable)?;
            texts.push(String::from_utf8_lossy(&text).replace('\r', "").trim().to_owned());
        }
    }
    if texts.is_empty() {
        texts.push("(Their source brings no text of the licence that it names.)".to_owned());
    }
    Ok(texts)
}

fn is_licence(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_uppercase();
    NAMES.iter().any(|begin| name.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_linked_is_named_with_its_licence() {
        let libraries = libraries("fieldlink-relay").expect("libraries");
        let names: Vec<_> = libraries.iter().filter_map(|(library, _)| library.split(' ').next()).collect();
        assert!(names.contains(&"tokio") && names.contains(&"rusqlite"), "{names:?}");
        assert!(!names.contains(&"serde_derive") && !names.contains(&"cc"), "only built with: {names:?}");
        assert!(!names.iter().any(|name| name.starts_with("fieldlink")), "ours: {names:?}");
        assert!(libraries.iter().all(|(_, licence)| !licence.is_empty()));
    }

    #[test]
    fn a_text_that_many_share_stands_once() {
        let users =
            BTreeMap::from([("The text".to_owned(), vec!["a v1: MIT".to_owned(), "b v2: MIT".to_owned()])]);
        assert!(document("fieldlink-x", &users).ends_with("\n\na v1: MIT\nb v2: MIT\n\nThe text\n"));
    }
}
