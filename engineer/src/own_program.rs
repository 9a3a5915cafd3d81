//! Where this program is: ssh starts it again, as its proxy.

use std::path::PathBuf;

use anyhow::Context;

use crate::words::say;

/// What Linux puts behind the path of a program whose file is gone, or was replaced.
const GONE: &str = " (deleted)";

/// The path of this program, or of the version that an upgrade has put in its place since it was started.
pub(crate) fn path() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().with_context(|| say!("own-path-unknown"))?;
    Ok(without_mark(own))
}

fn without_mark(own: PathBuf) -> PathBuf {
    match own.to_str().and_then(|text| text.strip_suffix(GONE)) {
        Some(path) => path.into(),
        None => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_an_upgrade_it_is_where_it_was() {
        for (own, path) in [
            ("/usr/bin/fieldlink-connect", "/usr/bin/fieldlink-connect"),
            ("/usr/bin/fieldlink-connect (deleted)", "/usr/bin/fieldlink-connect"),
        ] {
            assert_eq!(without_mark(own.into()), PathBuf::from(path));
        }
        assert!(path().expect("it has one").exists());
    }
}
