//! What the computer is called, as systemd knows it (`org.freedesktop.hostname1`): better than the kernel's own names,
//! because it knows which of those are placeholders.

use zbus::Connection;

use super::bus::{Properties, properties, take};

const NAME: &str = "org.freedesktop.hostname1";
const PATH: &str = "/org/freedesktop/hostname1";

/// What it knows. Older versions know less.
pub(super) struct HostFacts {
    /// Maker and model.
    pub(super) model: Option<String>,
    /// Name and version of the operating system.
    pub(super) os: Option<String>,
}

/// Asks for it.
pub(super) async fn read(bus: &Connection) -> zbus::Result<HostFacts> {
    let mut known = properties(bus, NAME, PATH, NAME).await?;
    let vendor = given(&mut known, "HardwareVendor");
    let model = given(&mut known, "HardwareModel");
    let model = match (vendor, model) {
        (Some(vendor), Some(model)) if !model.starts_with(&vendor) => Some(format!("{vendor} {model}")),
        (_, model) => model,
    };
    Ok(HostFacts { model, os: given(&mut known, "OperatingSystemPrettyName") })
}

fn given(known: &mut Properties, name: &str) -> Option<String> {
    take::<String>(known, name).filter(|text| !text.trim().is_empty())
}
