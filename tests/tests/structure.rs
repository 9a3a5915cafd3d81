//! The structure of the code: no two files need each other, be it over others, and programs are short.
//!
//! A file needs another one if it `use`s a name from it: from the module that the path names, and from the one
//! that defines the name if that is re-exported. What stands in a parent module is its children's too.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A module, as the names that lead to it from the root of its crate.
type Module = Vec<String>;
/// What each module needs.
type Needs = BTreeMap<Module, BTreeSet<Module>>;

/// One imported name.
struct Import {
    path: Vec<String>,
    is_reexport: bool,
}

/// Longest `main.rs`, in lines.
const MAIN: usize = 120;

fn crates() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let entries = fs::read_dir(root).expect("readable").map(|entry| entry.expect("readable").path());
    let mut crates: Vec<_> = entries.filter(|path| path.join("Cargo.toml").exists()).collect();
    crates.sort();
    assert!(crates.len() >= 5, "the workspace is found: {crates:?}");
    crates
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The modules of the library in `source`, with what they import. Its tests and other programs do not count.
fn modules(source: &Path) -> BTreeMap<Module, Vec<Import>> {
    let mut files = Vec::new();
    sources(source, &mut files);
    let named = files.into_iter().filter_map(|file| {
        let relative = file.strip_prefix(source).expect("below it").with_extension("");
        let mut module: Module =
            relative.iter().map(|part| part.to_str().expect("plain names").to_owned()).collect();
        let is_test = module.iter().any(|part| part.ends_with("tests") || part == "simulation");
        if is_test || module[0] == "bin" || module[0] == "main" {
            return None;
        }
        module.pop_if(|last| last == "mod" || last == "lib");
        let text = fs::read_to_string(&file).expect("text");
        let text = text.split("#[cfg(test)]\nmod tests {").next().expect("a beginning").to_owned();
        Some((module, imports(&text)))
    });
    named.collect()
}

fn imports(text: &str) -> Vec<Import> {
    let code: String =
        text.lines().map(|line| format!("{}\n", line.split("//").next().unwrap_or(""))).collect();
    let mut found = Vec::new();
    for statement in code.split(';') {
        let begins = statement.rfind("\nuse ").map(|at| (at, 5, false));
        let reexports = ["\npub use ", "\npub(crate) use ", "\npub(super) use "];
        let reexported =
            reexports.iter().find_map(|head| statement.rfind(head).map(|at| (at, head.len(), true)));
        if let Some((at, length, is_reexport)) = begins.or(reexported) {
            spread(&[], &statement[at + length..], &mut |path| found.push(Import { path, is_reexport }));
        }
    }
    found
}

/// Each path of a tree of imports.
fn spread(before: &[String], tree: &str, tell: &mut dyn FnMut(Vec<String>)) {
    let tree = tree.trim();
    let (path, inner) = match tree.split_once('{') {
        Some((path, inner)) => (path, inner.trim_end().strip_suffix('}')),
        None => (tree.split(" as ").next().unwrap_or(tree), None),
    };
    let names = path.split("::").map(str::trim).filter(|name| !name.is_empty() && *name != "self");
    let path: Vec<String> = before.iter().cloned().chain(names.map(str::to_owned)).collect();
    let Some(inner) = inner else { return tell(path) };
    let (mut depth, mut begin) = (0, 0);
    for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !inner[begin..at].trim().is_empty() {
                    spread(&path, &inner[begin..at], tell);
                }
                begin = at + 1;
            }
            _ => {}
        }
    }
}

/// The module that a path names, seen from `from`, and the name in it that is meant.
fn module_of(
    modules: &BTreeMap<Module, Vec<Import>>,
    from: &Module,
    path: &[String],
) -> Option<(Module, Option<String>)> {
    let mut module = from.clone();
    let mut rest = path;
    match path.first()?.as_str() {
        "crate" => (module, rest) = (Vec::new(), &path[1..]),
        "super" => {}
        first if modules.contains_key(&[from.as_slice(), &[first.to_owned()]].concat()) => {}
        _ => return None,
    }
    while rest.first().is_some_and(|name| name == "super") {
        module.pop();
        rest = &rest[1..];
    }
    while let Some(name) = rest.first() {
        let below = [module.as_slice(), std::slice::from_ref(name)].concat();
        if !modules.contains_key(&below) {
            break;
        }
        (module, rest) = (below, &rest[1..]);
    }
    modules.contains_key(&module).then(|| (module, rest.first().cloned()))
}

/// Where a name of a module is defined, if the module only passes it on.
fn origin(modules: &BTreeMap<Module, Vec<Import>>, module: &Module, name: &str) -> Option<Module> {
    let passed_on =
        |import: &&Import| import.is_reexport && import.path.last().is_some_and(|last| last == name);
    let import = modules[module].iter().find(passed_on)?;
    let (next, _) = module_of(modules, module, &import.path)?;
    (next != *module).then(|| origin(modules, &next, name).unwrap_or(next))
}

fn needs(modules: &BTreeMap<Module, Vec<Import>>) -> Needs {
    let mut needs = Needs::new();
    for (from, imports) in modules {
        let of_from = needs.entry(from.clone()).or_default();
        for import in imports.iter().filter(|import| !import.is_reexport) {
            let Some((named, name)) = module_of(modules, from, &import.path) else { continue };
            of_from.extend(name.and_then(|name| origin(modules, &named, &name)));
            of_from.insert(named);
        }
        of_from.retain(|module| !from.starts_with(module));
    }
    needs
}

/// A way from `from` back to it, if there is one.
fn circle(needs: &Needs, from: &Module) -> Option<Vec<Module>> {
    let mut ways = vec![vec![from.clone()]];
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop() {
        for next in &needs[way.last().expect("not empty")] {
            let longer = [way.as_slice(), std::slice::from_ref(next)].concat();
            if next == from {
                return Some(longer);
            }
            if seen.insert(next.clone()) {
                ways.push(longer);
            }
        }
    }
    None
}

#[test]
fn no_files_need_each_other() {
    for directory in crates() {
        let source = directory.join("src");
        if !source.join("lib.rs").exists() {
            continue;
        }
        let modules = modules(&source);
        let needs = needs(&modules);
        assert!(modules.len() > 1, "{} is read", source.display());
        for module in needs.keys() {
            if let Some(circle) = circle(&needs, module) {
                let shown: Vec<_> = circle.iter().map(|module| module.join("::")).collect();
                panic!("{}: a circle: {}", source.display(), shown.join(" -> "));
            }
        }
    }
}

#[test]
fn programs_are_short() {
    for main in crates().iter().map(|directory| directory.join("src/main.rs")).filter(|main| main.exists()) {
        let lines = fs::read_to_string(&main).expect("text").lines().count();
        assert!(lines < MAIN, "{} has {lines} lines", main.display());
    }
}

#[test]
fn the_check_sees_a_circle() {
    let import = |path: &str, is_reexport| {
        let path = path.split("::").map(str::to_owned).collect();
        Import { path, is_reexport }
    };
    let module = |name: &str| name.split("::").map(str::to_owned).collect::<Module>();
    let modules = BTreeMap::from([
        (Module::new(), vec![]),
        (module("a"), vec![import("crate::b::Inner", false)]),
        (module("b"), vec![import("inner::Inner", true)]),
        (module("b::inner"), vec![import("super::Parent", false), import("crate::a::Thing", false)]),
    ]);
    let needs = needs(&modules);
    assert_eq!(needs[&module("a")], BTreeSet::from([module("b"), module("b::inner")]));
    assert!(circle(&needs, &module("a")).is_some() && circle(&needs, &module("b")).is_none());
    let mut found = Vec::new();
    spread(&[], "crate::a::{self, b::{C, D as E}, F}", &mut |path| found.push(path.join("::")));
    assert_eq!(found, ["crate::a", "crate::a::b::C", "crate::a::b::D", "crate::a::F"]);
}

#[test]
fn every_test_program_is_run() {
    let makefile = include_str!("../../Makefile");
    for directory in crates().into_iter().map(|path| path.join("tests")).filter(|path| path.is_dir()) {
        for entry in fs::read_dir(&directory).expect("readable").map(|entry| entry.expect("readable").path())
        {
            if entry.extension().is_some_and(|extension| extension == "rs") || entry.join("main.rs").exists()
            {
                let name = entry.file_stem().and_then(|name| name.to_str()).expect("plain names");
                assert!(makefile.contains(&format!("--test {name}")), "the Makefile does not run {name}");
            }
        }
    }
}
