//! `engineer add`, `engineer list`, `engineer revoke`.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use fieldlink_protocol::credential::{Credential, EngineerIdentity};
use fieldlink_protocol::ids::EngineerId;
use fieldlink_protocol::{text, timestamp};

use super::columns::align;
use crate::config::Config;
use crate::revocation::{Door, shown};
use crate::store::{EngineerRow, unix_now};

/// Adds an engineer. The credential alone goes to `output`, or else to standard output.
pub(super) fn add(config: &Config, name: &str, company: &str, output: Option<&Path>) -> anyhow::Result<()> {
    let (name, company) = (text::normalise(name), text::normalise(company));
    let engineer = EngineerIdentity { id: EngineerId::random(), name, company };
    engineer.check().with_context(|| format!("could not add engineer {}", text::name(&engineer.name)))?;
    let credential = Credential::generate(engineer);
    // Before this process gives up the rights to make it, and before anything is added.
    let file = output.map(create_private).transpose()?;
    let added = store(config, &credential).and_then(|()| hand_out(&credential, file, output));
    if let (Err(_), Some(output)) = (&added, output) {
        // Ours, and worth nothing.
        let _ = std::fs::remove_file(output);
    }
    added
}

/// Prints every engineer who was ever added: a table, or a line of JSON for each.
pub(super) fn list(config: &Config, json: bool) -> anyhow::Result<()> {
    let engineers = super::state::open_existing(config)?.engineers()?;
    let text = match json {
        true => engineers
            .iter()
            .map(|row| Ok(serde_json::to_string(row)? + "\n"))
            .collect::<anyhow::Result<_>>()?,
        false => table(&engineers),
    };
    super::print(&text)
}

/// Revokes the engineers who are called `name`, or have that ID: in the store, or where that cannot be written, in
/// the running relay's memory.
pub(super) fn revoke(config: &Config, name: &str) -> anyhow::Result<()> {
    let shown = text::name(name);
    let door = Door::of(&config.state_directory);
    let (revoked, unwritten) = match revoke_in_store(config, name) {
        Ok(revoked) => (revoked, None),
        Err(error) => {
            let told = door.and_then(|door| door.revoke(name)).map_err(|no_relay| {
                anyhow!("could not revoke engineer {shown}: {error:#}; nor is there a running relay to tell ({no_relay})")
            });
            (told?, Some(error))
        }
    };
    revoked.iter().for_each(|engineer| eprintln!("revoked {engineer}"));
    match unwritten {
        _ if revoked.is_empty() => bail!(
            "could not revoke engineer {shown}: there is no active one by that name or ID (see engineer list)"
        ),
        None => eprintln!("running sessions of {shown} end within a second"),
        Some(error) => eprintln!(
            "running sessions of {shown} end at once, but this is not written down yet: {error:#}. The relay \
             writes it as soon as it can; until then a restart would forget it"
        ),
    }
    Ok(())
}

/// Revokes them in the store; a line for each.
fn revoke_in_store(config: &Config, name: &str) -> anyhow::Result<Vec<String>> {
    let mut store = super::state::open_existing(config)?;
    let engineers = store.active_engineers(name)?;
    if !engineers.is_empty() {
        store.revoke_engineers(&engineers, unix_now())?;
    }
    Ok(engineers.iter().map(shown).collect())
}

fn store(config: &Config, credential: &Credential) -> anyhow::Result<()> {
    let name = text::name(&credential.engineer.name);
    super::state::open(config)?
        .add_engineer(credential, unix_now())
        .with_context(|| format!("could not add engineer {name}"))
}

fn hand_out(credential: &Credential, file: Option<File>, output: Option<&Path>) -> anyhow::Result<()> {
    let name = text::name(&credential.engineer.name);
    let company = text::name(&credential.engineer.company);
    let text = credential.encode();
    let written = match file {
        Some(mut file) => writeln!(file, "{}", *text).and_then(|()| file.sync_all()),
        None => {
            eprintln!(
                "added {name} ({company}). This credential is shown once; hand it over in a safe way, for fieldlink-connect login:"
            );
            let mut out = std::io::stdout();
            writeln!(out, "{}", *text).and_then(|()| out.flush())
        }
    };
    written.with_context(|| {
        format!(
            "could not write the credential; it is lost: run engineer revoke '{name}', then add them again"
        )
    })?;
    if let Some(output) = output {
        let output = output.display();
        eprintln!(
            "added {name} ({company}). The credential is in {output}: hand it over in a safe way, for fieldlink-connect login, and remove the file"
        );
    }
    Ok(())
}

/// A new file that this account alone may read; an existing one is an error.
fn create_private(path: &Path) -> anyhow::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.with_context(|| format!("could not make {} for the credential (nobody was added)", path.display()))
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
    align(&rows)
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
