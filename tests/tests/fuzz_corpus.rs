//! The fuzz targets' bodies over the committed corpus, and over cut and flipped copies of it.

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
