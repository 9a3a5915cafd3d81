//! The fuzz targets' bodies over the committed corpus, and over cut and flipped copies of it.

use std::collections::BTreeSet;

use fieldlink_tests::fuzzing::TARGETS;

#[test]
fn the_corpus_panics_nowhere() {
    for (name, body) in TARGETS {
        let directory = format!("{}/fuzz/corpus/{name}", env!("CARGO_MANIFEST_DIR"));
        let entries = std::fs::read_dir(&directory).unwrap_or_else(|error| panic!("{directory}: {error}"));
        let mut seen = 0;
        for entry in entries {
            let path = entry.expect("readable").path();
            let data = std::fs::read(&path).expect("readable");
            seen += 1;
            body(&data);
            for cut in 0..data.len().min(400) {
                body(&data[..cut]);
                let mut flipped = data.clone();
                flipped[cut] ^= 1 << (cut % 8);
                body(&flipped);
            }
        }
        assert!(seen > 0, "{name} has no corpus");
    }
}

/// What is not in the list is tried by nobody here.
#[test]
fn every_target_is_in_the_list_and_has_its_files() {
    let names_in = |directory: &str| {
        let directory = format!("{}/fuzz/{directory}", env!("CARGO_MANIFEST_DIR"));
        let entries = std::fs::read_dir(&directory).unwrap_or_else(|error| panic!("{directory}: {error}"));
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("readable").path();
        let stem =
            |path: std::path::PathBuf| path.file_stem().expect("a name").to_string_lossy().into_owned();
        entries.map(name).map(stem).collect::<BTreeSet<_>>()
    };
    let listed: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names_in("fuzz_targets"), listed);
    assert_eq!(names_in("corpus"), listed);
    let manifest = std::fs::read_to_string(format!("{}/fuzz/Cargo.toml", env!("CARGO_MANIFEST_DIR")));
    let manifest = manifest.expect("readable");
    for name in &listed {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is no target of cargo-fuzz's");
    }
}
