//! A battery that is not there: dbusmock in UPower's place.

use std::process::Command;

use zbus::Variant;
use zbus::connection::Builder;

use super::{Bus, Listener};
use crate::programs::Running;

const UPOWER: &str = "org.freedesktop.UPower";
const DISPLAY_DEVICE: &str = "/org/freedesktop/UPower/devices/DisplayDevice";
const DEVICE: &str = "org.freedesktop.UPower.Device";

/// A UPower with one battery, on a bus.
pub struct MockBattery {
    bus: String,
    _mock: Running,
}

impl MockBattery {
    /// A battery with so many percent, which the device runs on. dbusmock has to be installed.
    pub fn start(bus: &Bus, percent: f64) -> Self {
        let listener = Listener::to_name(bus, UPOWER);
        let mut command = Command::new(super::wifi::PYTHON);
        command.args(["-m", "dbusmock", "--system", "--template", "upower"]);
        let mock = Running::start("dbusmock", bus.address_for(&mut command));
        listener.wait_for_name();
        let battery = Self { bus: bus.address(), _mock: mock };
        battery.set("Type", Variant::from(2u32));
        battery.set("IsPresent", Variant::from(true));
        battery.discharge(percent);
        battery
    }

    /// It has so many percent left.
    pub fn discharge(&self, percent: f64) {
        self.set("State", Variant::from(2u32));
        self.set("Percentage", Variant::from(percent));
    }

    fn set(&self, name: &str, value: Variant<'_>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let bus = Builder::address(self.bus.as_str()).build().await.expect("a bus");
            let properties = Some("org.freedesktop.DBus.Properties");
            let arguments = (DEVICE, name, value);
            let set = bus.call_method(Some(UPOWER), DISPLAY_DEVICE, properties, "Set", &arguments).await;
            set.unwrap_or_else(|error| panic!("{name}: {error}"));
        });
    }
}
