//! What is done by units of the scanner's maker: `[[operation]]` of `agent.toml`.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::ensure;
use fieldlink_device::words::Language;
use fieldlink_protocol::messages::operation::is_operation_name;
use fieldlink_protocol::{limits, text};
use serde::Deserialize;

/// Where the sockets of the units are.
const SOCKETS: &str = "/run/fieldlink/operations";
/// Bytes in what people call a megabyte.
const MEGABYTE: u64 = 1_000_000;
/// The largest file that an operation may be set to take, in megabytes.
const MOST_MEGABYTES: u32 = 16_000;
/// Operations that there may be.
const MOST: usize = 32;

/// What an operation is called, by language.
pub type Titles = BTreeMap<Language, String>;

/// An operation that an engineer can start.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// What the engineer calls it.
    pub name: String,
    /// The unit that does it, without its ending; by default it has the operation's name.
    pub unit: Option<String>,
    /// What the client reads; English is needed.
    pub title: Titles,
    /// The largest file that it takes, in megabytes (10^6 bytes); 0: none.
    #[serde(default)]
    pub file_megabytes: u32,
    /// For development: the unit's socket, if it is elsewhere.
    pub socket: Option<PathBuf>,
}

impl Operation {
    /// The socket of the unit that does it.
    pub fn socket(&self) -> PathBuf {
        let unit = self.unit.as_ref().unwrap_or(&self.name);
        self.socket.clone().unwrap_or_else(|| Path::new(SOCKETS).join(format!("{unit}.sock")))
    }

    /// The largest file that it takes, in bytes.
    pub fn most_bytes(&self) -> u64 {
        u64::from(self.file_megabytes) * MEGABYTE
    }

    pub(super) fn stand_in(&mut self, directory: &Path) {
        self.socket = self.socket.take().map(|socket| directory.join(socket));
    }

    fn check(&self) -> anyhow::Result<()> {
        let name = text::name(&self.name);
        ensure!(
            is_operation_name(&self.name),
            "operation.name = {name:?} is no name of an operation (lowercase letters, digits, -, _ and ., a letter first, \
             64 at most)"
        );
        ensure!(
            self.unit.as_ref().is_none_or(|unit| is_operation_name(unit)),
            "operation.unit of {name:?} is no name of a unit without its ending (as for operation.name)"
        );
        ensure!(
            self.title.contains_key(&Language::English),
            "operation.title of {name:?} has no English text (title.en = \"…\")"
        );
        for title in self.title.values() {
            ensure!(
                !title.trim().is_empty() && text::check("the title", title, limits::NAME).is_ok(),
                "operation.title of {name:?} is empty, too long or has characters that cannot be shown"
            );
        }
        ensure!(
            self.file_megabytes <= MOST_MEGABYTES,
            "operation.file_megabytes of {name:?} must be {MOST_MEGABYTES} at most"
        );
        Ok(())
    }
}

/// An error if one of them cannot be used.
pub(super) fn check(operations: &[Operation]) -> anyhow::Result<()> {
    ensure!(operations.len() <= MOST, "there are more than {MOST} operations");
    let mut names = HashSet::new();
    for operation in operations {
        operation.check()?;
        ensure!(names.insert(&operation.name), "there are two operations named {:?}", operation.name);
    }
    Ok(())
}

/// Says so if the file of one of them does not fit into `memory` bytes beside everything else.
pub(super) fn excess(operations: &[Operation], memory: u64) -> Option<String> {
    let too_large = |operation: &&Operation| operation.most_bytes() > memory / 2;
    operations.iter().find(too_large).map(|operation| {
        format!(
            "operation {:?} takes files of {} MB, which the service keeps in memory until its unit has them, and it may \
             use {} MiB: raise MemoryMax= (systemctl edit fieldlink-agent)",
            operation.name,
            operation.file_megabytes,
            memory >> 20
        )
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::Config;
    use super::*;

    fn parse(text: &str) -> anyhow::Result<Config> {
        Config::parse(&format!("relay = \"wss://a\"\n{text}"), Path::new("/etc/fieldlink/agent.toml"))
    }

    #[test]
    fn an_operation_is_a_unit_with_a_title_in_every_language() {
        let text = "[[operation]]\nname = \"update\"\nunit = \"scanner-update\"\nfile_megabytes = 300\n\
                    title.en = \"System update\"\ntitle.de = \"Systemaktualisierung\"\n\
                    [[operation]]\nname = \"cleanup\"\ntitle.en = \"Clean up\"\n";
        let config = parse(text).expect("it parses");
        let [update, cleanup] = &config.operation[..] else { panic!("two") };
        assert_eq!(update.socket(), Path::new("/run/fieldlink/operations/scanner-update.sock"));
        assert_eq!(cleanup.socket(), Path::new("/run/fieldlink/operations/cleanup.sock"));
        assert_eq!((update.most_bytes(), cleanup.most_bytes()), (300_000_000, 0));
        assert_eq!(update.title[&Language::German], "Systemaktualisierung");
        assert!(config.advice().is_none());
    }

    #[test]
    fn mistakes_are_named() {
        let error = |text: &str| format!("{:#}", parse(text).expect_err(text));
        assert!(error("[[operation]]\nname = \"../x\"\ntitle.en = \"x\"").contains("operation.name"));
        assert!(
            error("[[operation]]\nname = \"x\"\nunit = \"a/b\"\ntitle.en = \"x\"").contains("operation.unit")
        );
        assert!(error("[[operation]]\nname = \"x\"\ntitle.de = \"x\"").contains("title.en"));
        assert!(error("[[operation]]\nname = \"x\"\ntitle.en = \"\\u001b\"").contains("operation.title"));
        let two = "[[operation]]\nname = \"x\"\ntitle.en = \"x\"\n".repeat(2);
        assert!(error(&two).contains("two operations"));
        let large = "[[operation]]\nname = \"x\"\ntitle.en = \"x\"\nfile_megabytes = 900\n";
        assert!(parse(large).expect("valid").advice().expect("too much").contains("MemoryMax="));
    }
}
