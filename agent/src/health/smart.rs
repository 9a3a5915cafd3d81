//! What disks say of themselves, where UDisks2 runs: it reads SMART as root, which the agent may not.

use std::collections::{BTreeMap, HashMap};

use fieldlink_protocol::messages::health::SmartVerdict;
use zbus::fdo::ManagedObjects;
use zbus::{Connection, OwnedObjectPath, OwnedVariant};

use super::bus::is_there;

const NAME: &str = "org.freedesktop.UDisks2";
const PATH: &str = "/org/freedesktop/UDisks2";

/// Verdicts by where the disk's file systems are mounted.
pub(super) type Verdicts = BTreeMap<String, SmartVerdict>;

/// Asks for them. Without UDisks2 there are none.
pub(super) async fn read(bus: &Connection) -> zbus::Result<Verdicts> {
    if !is_there(bus, NAME).await? {
        return Ok(Verdicts::new());
    }
    let manager = "org.freedesktop.DBus.ObjectManager";
    let reply = bus.call_method(Some(NAME), PATH, Some(manager), "GetManagedObjects", &()).await?;
    Ok(verdicts(&reply.body().deserialize()?))
}

fn verdicts(objects: &ManagedObjects) -> Verdicts {
    let mut verdicts = Verdicts::new();
    for (path, interfaces) in objects {
        let Some(verdict) = drive_of(objects, path).and_then(|drive| judge(objects, &drive)) else {
            continue;
        };
        let Some(filesystem) = properties(interfaces, "org.freedesktop.UDisks2.Filesystem") else { continue };
        let places: Vec<Vec<u8>> = get(filesystem, "MountPoints").unwrap_or_default();
        verdicts.extend(places.iter().map(|place| {
            let place = String::from_utf8_lossy(place);
            (place.trim_end_matches('\0').to_owned(), verdict)
        }));
    }
    verdicts
}

/// The drive of a block device, or of the one that it is encrypted on.
fn drive_of(objects: &ManagedObjects, path: &OwnedObjectPath) -> Option<OwnedObjectPath> {
    const NONE: &str = "/";
    let block = |path: &OwnedObjectPath| properties(objects.get(path)?, "org.freedesktop.UDisks2.Block");
    let named = |path: &OwnedObjectPath, name: &str| {
        get::<OwnedObjectPath>(block(path)?, name).filter(|other| other.as_str() != NONE)
    };
    named(path, "Drive").or_else(|| named(&named(path, "CryptoBackingDevice")?, "Drive"))
}

fn judge(objects: &ManagedObjects, drive: &OwnedObjectPath) -> Option<SmartVerdict> {
    let interfaces = objects.get(drive)?;
    let fails = match properties(interfaces, "org.freedesktop.UDisks2.Drive.Ata") {
        Some(ata) if get(ata, "SmartEnabled") == Some(true) => get::<bool>(ata, "SmartFailing")?,
        Some(_) => return None,
        None => {
            let controller = properties(interfaces, "org.freedesktop.UDisks2.NVMe.Controller")?;
            !get::<Vec<String>>(controller, "SmartCriticalWarning")?.is_empty()
        }
    };
    Some(if fails { SmartVerdict::Failing } else { SmartVerdict::Good })
}

fn properties<'a, N: std::borrow::Borrow<str> + Eq + std::hash::Hash>(
    interfaces: &'a HashMap<N, HashMap<String, OwnedVariant>>,
    name: &str,
) -> Option<&'a HashMap<String, OwnedVariant>> {
    interfaces.get(name)
}

fn get<T>(properties: &HashMap<String, OwnedVariant>, name: &str) -> Option<T>
where
    OwnedVariant: TryInto<T>,
{
    properties.get(name)?.try_clone().ok()?.try_into().ok()
}
