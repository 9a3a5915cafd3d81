//! `engineer add`, `engineer list`, `engineer revoke`.

use std::io::Write;

use anyhow::{Context, bail};
use fieldlink_protocol::credential::{Credential, EngineerIdentity};
use fieldlink_protocol::ids::EngineerId;
use fieldlink_protocol::text;

use crate::config::Config;
use crate::store::{EngineerRow, unix_now};
use fieldlink_protocol::timestamp;

/// Adds an engineer. The credential alone goes to standard output.
pub(super) fn add(config: &Config, name: String, company: String) -> anyhow::Result<()> {
    let engineer = EngineerIdentity { id: EngineerId::random(), name, company };
    engineer.check().with_context(|| format!("could not add engineer {}", text::name(&engineer.name)))?;
    let credential = Credential::generate(engineer);
    super::state::open(config)?.add_engineer(&credential, unix_now())?;
    eprintln!(
        "added {} ({}). This credential is shown once; hand it over on a safe way, for fieldlink-connect login:",
        credential.engineer.name, credential.engineer.company
    );
    let mut out = std::io::stdout();
    writeln!(out, "{}", *credential.encode()).and_then(|()| out.flush()).with_context(|| {
        let name = text::name(&credential.engineer.name);
        format!("could not print the credential; it is lost: run engineer revoke {name}, then add them again")
    })
}

/// Lists all engineers.
pub(super) fn list(config: &Config) -> anyhow::Result<()> {
    let engineers = super::state::open(config)?.engineers()?;
    print!("{}", table(&engineers));
    Ok(())
}

/// Revokes an engineer.
pub(super) fn revoke(config: &Config, name: &str) -> anyhow::Result<()> {
    if !super::state::open(config)?.revoke_engineer(name, unix_now())? {
        bail!(
            "could not revoke engineer {}: there is no active one by that name (see engineer list)",
            text::name(name)
        );
    }
    eprintln!("revoked {}: running sessions end within a second", text::name(name));
    Ok(())
}

fn table(engineers: &[EngineerRow]) -> String {
    let mut rows = vec![["NAME", "COMPANY", "ID", "ADDED", "REVOKED"].map(str::to_owned)];
    rows.extend(engineers.iter().map(|engineer| {
        [
            text::name(&engineer.identity.name),
            text::name(&engineer.identity.company),
            engineer.identity.id.to_string(),
            timestamp::utc(engineer.added_at),
            engineer.revoked_at.map_or("-".into(), timestamp::utc),
        ]
    }));
    super::audit::align(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_aligned_and_harmless() {
        let engineer = |name: &str, revoked_at| EngineerRow {
            identity: EngineerIdentity {
                id: EngineerId::from_bytes([0xab; 16]),
                name: name.into(),
                company: "Scans".into(),
            },
            added_at: 0,
            revoked_at,
        };
        let id = "ab".repeat(16);
        assert_eq!(
            table(&[engineer("Zoë Müller", None), engineer("\u{1b}[2J", Some(86_400))]),
            format!(
                "NAME        COMPANY  ID                                ADDED                 REVOKED\n\
                 Zoë Müller  Scans    {id}  1970-01-01T00:00:00Z  -\n\
                 \u{fffd}[2J        Scans    {id}  1970-01-01T00:00:00Z  1970-01-02T00:00:00Z\n"
            )
        );
    }
}
