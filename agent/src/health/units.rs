//! Units that systemd calls failed.

use zbus::{Connection, OwnedObjectPath};

const NAME: &str = "org.freedesktop.systemd1";
const PATH: &str = "/org/freedesktop/systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";

/// A unit, as systemd lists it: name, description, three states, the unit it follows, its object, and its job.
type Unit = (String, String, String, String, String, String, OwnedObjectPath, u32, String, OwnedObjectPath);

/// Asks for their names.
pub(super) async fn read(bus: &Connection) -> zbus::Result<Vec<String>> {
    // A slice is an array on the bus; a Rust array would be a structure.
    let states: &[&str] = &["failed"];
    let reply = bus.call_method(Some(NAME), PATH, Some(MANAGER), "ListUnitsFiltered", &(states,)).await?;
    let units: Vec<Unit> = reply.body().deserialize()?;
    let mut names: Vec<_> = units.into_iter().map(|unit| unit.0).collect();
    names.sort();
    Ok(names)
}
