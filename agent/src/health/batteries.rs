//! Batteries that power the device, as UPower sees them.

use fieldlink_protocol::messages::health::{Battery, BatteryState};
use zbus::{Connection, OwnedObjectPath};

use super::bus::{Properties, properties, take};

const NAME: &str = "org.freedesktop.UPower";
const PATH: &str = "/org/freedesktop/UPower";
const DEVICE: &str = "org.freedesktop.UPower.Device";
/// Stands for all batteries together.
const DISPLAY_DEVICE: &str = "/org/freedesktop/UPower/devices/DisplayDevice";
/// UPower's number for a battery, among lines, mice and telephones.
const TYPE_BATTERY: u32 = 2;
/// Devices that are looked at: a bus may have any number of mice.
const MOST: usize = 32;

/// Asks for them. Where only all together are known, that is one battery.
pub(super) async fn read(bus: &Connection) -> zbus::Result<Vec<Battery>> {
    let reply = bus.call_method(Some(NAME), PATH, Some(NAME), "EnumerateDevices", &()).await?;
    let devices: Vec<OwnedObjectPath> = reply.body().deserialize()?;
    let mut batteries = Vec::new();
    for device in devices.iter().take(MOST) {
        // One that is pulled out just now is none.
        let Ok(known) = properties(bus, NAME, device.as_str(), DEVICE).await else { continue };
        batteries.extend(battery(known));
    }
    if batteries.is_empty() {
        batteries.extend(battery(properties(bus, NAME, DISPLAY_DEVICE, DEVICE).await?));
    }
    batteries.sort_by(|one, other| one.label.cmp(&other.label));
    Ok(batteries)
}

fn battery(mut known: Properties) -> Option<Battery> {
    let is_battery = take::<u32>(&mut known, "Type") == Some(TYPE_BATTERY)
        && take::<bool>(&mut known, "IsPresent") == Some(true)
        // That of a mouse powers the mouse. The display device has no such property in older versions.
        && take::<bool>(&mut known, "PowerSupply") != Some(false);
    if !is_battery {
        return None;
    }
    let label = ["NativePath", "Model"].iter().find_map(|name| {
        let path = take::<String>(&mut known, name).filter(|path| !path.is_empty())?;
        path.rsplit('/').next().map(str::to_owned)
    });
    let capacity = take::<f64>(&mut known, "Capacity").filter(|&capacity| capacity > 0.0);
    Some(Battery {
        label: label.unwrap_or_default(),
        percent: percent(take(&mut known, "Percentage")?),
        state: state(take(&mut known, "State").unwrap_or_default()),
        health_percent: capacity.map(percent),
        cycles: take::<i32>(&mut known, "ChargeCycles").and_then(|cycles| cycles.try_into().ok()),
    })
}

/// A conversion of floating point saturates, and takes what is no number for zero.
fn percent(percentage: f64) -> u8 {
    percentage.clamp(0.0, 100.0).floor() as u8
}

/// UPower's numbers for what happens to a battery.
fn state(number: u32) -> BatteryState {
    match number {
        1 => BatteryState::Charging,
        2 | 3 | 6 => BatteryState::Discharging,
        4 => BatteryState::Full,
        5 => BatteryState::Idle,
        _ => BatteryState::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use zbus::Variant;

    use super::*;

    fn known(pairs: Vec<(&str, Variant<'static>)>) -> Properties {
        let owned = |value: Variant<'static>| value.try_into().expect("no descriptor");
        pairs.into_iter().map(|(name, value)| (name.to_owned(), owned(value))).collect()
    }

    fn present() -> Vec<(&'static str, Variant<'static>)> {
        vec![
            ("Type", 2_u32.into()),
            ("IsPresent", true.into()),
            ("PowerSupply", true.into()),
            ("NativePath", "/sys/class/power_supply/BAT1".into()),
            ("Percentage", 41.9_f64.into()),
            ("State", 2_u32.into()),
            ("Capacity", 73.2_f64.into()),
            ("ChargeCycles", 312_i32.into()),
        ]
    }

    #[test]
    fn a_battery_is_what_powers_the_device() {
        let wanted = Battery {
            label: "BAT1".into(),
            percent: 41,
            state: BatteryState::Discharging,
            health_percent: Some(73),
            cycles: Some(312),
        };
        assert_eq!(battery(known(present())), Some(wanted.clone()));
        let unknown = [present(), vec![("Capacity", 0.0_f64.into()), ("ChargeCycles", (-1_i32).into())]];
        let wanted = Battery { health_percent: None, cycles: None, ..wanted };
        assert_eq!(battery(known(unknown.concat())), Some(wanted));
        for (name, value) in
            [("PowerSupply", false.into()), ("IsPresent", false.into()), ("Type", 5_u32.into())]
        {
            assert_eq!(battery(known([present(), vec![(name, value)]].concat())), None, "{name}");
        }
    }

    #[test]
    fn numbers_that_are_none_do_no_harm() {
        for (percentage, wanted) in [(f64::NAN, 0), (-3.0, 0), (1e300, 100)] {
            let strange = [present(), vec![("Percentage", percentage.into()), ("State", 77_u32.into())]];
            let battery = battery(known(strange.concat())).expect("a battery");
            assert_eq!((battery.percent, battery.state), (wanted, BatteryState::Unknown));
        }
    }
}
