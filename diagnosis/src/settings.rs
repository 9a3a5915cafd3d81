//! What the maker wants in a diagnosis: `[diagnostics]` of `agent.toml`.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context, anyhow, ensure};
use fieldlink_protocol::messages::diagnosis::SOCKET;
use fieldlink_protocol::{limits, text};
use serde::Deserialize;

/// Units, and patterns of files, that may be listed.
const MOST: usize = 64;
/// Mebibytes that a diagnosis may have, before it is compressed and after it.
const SIZES: std::ops::RangeInclusive<u64> = 1..=limits::DIAGNOSIS / MEBIBYTE;
const MEBIBYTE: u64 = 1024 * 1024;
const LONGEST_UNIT: usize = 255;

/// What is taken, beside what every diagnosis has.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DiagnosticsSettings {
    /// Units whose journal is taken.
    pub units: Vec<String>,
    /// Log files: paths, in which `*`, `?`, `[…]` and `**` stand for others, as in a shell.
    pub files: Vec<String>,
    /// How large a diagnosis may be, in MiB.
    pub size_mib: u64,
    /// Where one is asked for; by default [`SOCKET`].
    pub socket: Option<PathBuf>,
}

impl Default for DiagnosticsSettings {
    fn default() -> Self {
        Self { units: Vec::new(), files: Vec::new(), size_mib: 64, socket: None }
    }
}

/// The part of `agent.toml` that a diagnosis is about.
#[derive(Deserialize)]
struct AgentFile {
    #[serde(default)]
    diagnostics: DiagnosticsSettings,
}

impl DiagnosticsSettings {
    /// Those in the agent's configuration at `path`.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
        // Not toml's own words in full: they have the line in them, which may be one with a secret.
        let AgentFile { diagnostics } = toml::from_str(&text).map_err(|error: toml::de::Error| {
            anyhow!("could not use {}: {}", path.display(), error.message())
        })?;
        diagnostics.check().with_context(|| format!("could not use {}", path.display()))?;
        Ok(diagnostics)
    }

    /// An error if something of it cannot be used.
    pub fn check(&self) -> anyhow::Result<()> {
        let Self { units, files, size_mib, .. } = self;
        ensure!(units.len() <= MOST, "there are more than {MOST} diagnostics.units");
        ensure!(files.len() <= MOST, "there are more than {MOST} diagnostics.files");
        ensure!(
            SIZES.contains(size_mib),
            "diagnostics.size_mib = {size_mib} is not between {} and {}",
            SIZES.start(),
            SIZES.end()
        );
        for unit in units {
            let shown = text::name(unit);
            ensure!(is_unit(unit), "diagnostics.units: {shown:?} is no unit's name (scanner.service)");
        }
        for file in files {
            let shown = text::sentence(file);
            ensure!(
                is_absolute(file),
                "diagnostics.files: {shown:?} is not a whole path (/var/log/scanner/*.log)"
            );
            glob::Pattern::new(file)
                .with_context(|| format!("diagnostics.files: {shown:?} is not understood"))?;
        }
        Ok(())
    }

    /// The socket of the unit that collects it.
    pub fn socket(&self) -> &Path {
        self.socket.as_deref().unwrap_or(Path::new(SOCKET))
    }

    /// How large it may be, in bytes.
    pub fn bytes(&self) -> u64 {
        self.size_mib * MEBIBYTE
    }
}

/// Letters that systemd has in units' names, and no pattern: it would be another unit's.
fn is_unit(name: &str) -> bool {
    (1..=LONGEST_UNIT).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
        && name.contains('.')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_' | '.' | '\\' | '@'))
}

fn is_absolute(pattern: &str) -> bool {
    let path = Path::new(pattern);
    path.is_absolute() && !path.components().any(|part| part == Component::ParentDir)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> anyhow::Result<DiagnosticsSettings> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("agent.toml");
        std::fs::write(&path, format!("relay = \"wss://a\"\n{text}"))?;
        DiagnosticsSettings::load(&path)
    }

    #[test]
    fn units_files_and_a_size() {
        let settings = parse(
            "[diagnostics]\nunits = [\"scanner.service\"]\nfiles = [\"/var/log/scanner/**/*.log\"]\nsize_mib = 8\n\
             [policy]\nshell = \"never\"\n",
        )
        .expect("it parses");
        assert_eq!((settings.units.len(), settings.files.len(), settings.bytes()), (1, 1, 8 << 20));
        assert_eq!(parse("").expect("it parses"), DiagnosticsSettings::default());
    }

    #[test]
    fn mistakes_are_named() {
        let error = |text: &str| format!("{:#}", parse(&format!("[diagnostics]\n{text}")).expect_err(text));
        assert!(error("units = [\"scanner*.service\"]").contains("no unit's name"));
        assert!(error("units = [\"--all.service\"]").contains("no unit's name"));
        assert!(error("files = [\"log/x\"]").contains("not a whole path"));
        assert!(error("files = [\"/var/log/../x\"]").contains("not a whole path"));
        assert!(error("files = [\"/var/log/[x\"]").contains("is not understood"));
        assert!(error("size_mib = 0").contains("between 1 and 256"));
        assert!(error("file = []").contains("file"));
        let many = vec!["\"/a\""; 65].join(",");
        assert!(error(&format!("files = [{many}]")).contains("more than 64"));
        assert!(
            format!("{:#}", DiagnosticsSettings::load(Path::new("/nowhere")).expect_err("none"))
                .contains("/nowhere")
        );
    }
}
