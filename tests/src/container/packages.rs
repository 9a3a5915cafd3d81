//! The packages as they are shipped.

use std::path::{Path, PathBuf};

use super::Container;

/// One of the packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Package {
    /// `fieldlink-agent`.
    Agent,
    /// `fieldlink-relay`.
    Relay,
    /// `fieldlink-connect`.
    Connect,
}

impl Package {
    /// As `apt` knows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Agent => "fieldlink-agent",
            Self::Relay => "fieldlink-relay",
            Self::Connect => "fieldlink-connect",
        }
    }
}

/// The packages that were built: those in `FIELDLINK_PACKAGES`, or else in `target/package`.
pub struct Packages {
    directory: PathBuf,
}

impl Packages {
    /// Those that `make package` built.
    pub fn built() -> Self {
        let built = || Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("target/package");
        Self { directory: std::env::var_os("FIELDLINK_PACKAGES").map_or_else(built, PathBuf::from) }
    }

    /// Where they lie.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn path_of(&self, package: Package) -> PathBuf {
        let begins = format!("{}_", package.name());
        let entries = std::fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let found = entries
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "deb"))
            .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&begins)));
        // There may be older ones beside it.
        let newest = found.max_by_key(|path| path.metadata().and_then(|file| file.modified()).ok());
        let directory = self.directory.display();
        newest.unwrap_or_else(|| panic!("no {begins}*.deb in {directory}: build it first (make package)"))
    }

    /// Puts a package into a container; its path there.
    pub fn copy_to(&self, container: &Container, package: Package) -> String {
        let content = std::fs::read(self.path_of(package)).expect("readable");
        let path = format!("/root/{}.deb", package.name());
        container.write(&path, content);
        path
    }

    /// Installs a package with `apt`, which has no network there.
    pub fn install(&self, container: &Container, package: Package) {
        let path = self.copy_to(container, package);
        container.install(&path);
    }
}

impl Container {
    /// Installs a package file with `apt`; what that printed.
    pub fn install(&self, path: &str) -> String {
        let (said, is_done) = self.try_to_install(&[path]);
        assert!(is_done, "apt-get install {path}:\n{said}");
        said
    }

    /// Makes a newer package out of `path`; the path of that. `change` is a line of shell that is run where
    /// the package's files are.
    pub fn repack(&self, path: &str, version: &str, change: &str) -> String {
        let newer = format!("{}-{version}.deb", path.trim_end_matches(".deb"));
        self.shell(&format!(
            "set -e; rm -rf /root/repacked; dpkg-deb -R {path} /root/repacked; cd /root/repacked; \
             sed -i 's/^Version: .*/Version: {version}/' DEBIAN/control; {change}; \
             (find . -type f -not -path './DEBIAN/*' -printf '%P\\0' | sort -z | xargs -0 md5sum) >DEBIAN/md5sums; \
             dpkg-deb --root-owner-group -Zgzip -z1 -b . {newer}"
        ));
        newer
    }
}
