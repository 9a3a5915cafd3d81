//! What a container's journal holds.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Container;

/// One entry, with every field that there is, as text.
#[derive(Debug, Clone)]
pub struct Entry(pub BTreeMap<String, String>);

impl Entry {
    /// A field; empty if it is not there.
    pub fn field(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The logged text.
    pub fn message(&self) -> &str {
        self.field("MESSAGE")
    }

    /// The unit it is about or from, or else the program.
    pub fn source(&self) -> &str {
        let fields = ["UNIT", "_SYSTEMD_UNIT", "SYSLOG_IDENTIFIER", "_COMM"];
        fields.into_iter().map(|name| self.field(name)).find(|source| !source.is_empty()).unwrap_or("nobody")
    }
}

impl Container {
    /// What a unit said and what was said about it since the last boot, as text.
    pub fn journal(&self, unit: &str) -> String {
        self.run(&["journalctl", "--boot", "--no-pager", "--output=cat", "--unit", unit])
    }

    /// Every entry after `cursor`, or of the whole journal.
    pub fn entries(&self, cursor: Option<&str>) -> Vec<Entry> {
        let after = cursor.map(|cursor| format!("--after-cursor={cursor}"));
        let mut words = vec!["journalctl", "--no-pager", "--all", "--output=json"];
        words.extend(after.as_deref());
        // What was said up to now is to be in it.
        self.run(&["journalctl", "--sync"]);
        self.run(&words).lines().map(entry).collect()
    }

    /// Where the journal ends now.
    pub fn cursor(&self) -> String {
        self.run(&["journalctl", "--sync"]);
        let text = self.run(&["journalctl", "--no-pager", "--lines=0", "--show-cursor"]);
        text.rsplit("-- cursor: ").next().expect("a cursor").trim().to_owned()
    }
}

fn entry(line: &str) -> Entry {
    let fields: BTreeMap<String, Value> = serde_json::from_str(line).expect("a JSON object");
    Entry(fields.into_iter().map(|(name, value)| (name, text_of(&value))).collect())
}

/// A field may be text, bytes, or several of both.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) if values.iter().all(Value::is_u64) => {
            let bytes: Vec<u8> =
                values.iter().filter_map(Value::as_u64).filter_map(|byte| byte.try_into().ok()).collect();
            String::from_utf8_lossy(&bytes).into_owned()
        }
        Value::Array(values) => values.iter().map(text_of).collect::<Vec<_>>().join("\n"),
        other => other.to_string(),
    }
}
