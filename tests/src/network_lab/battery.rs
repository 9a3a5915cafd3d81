//! A battery that is not there: dbusmock in UPower's place.

use std::process::Command;

use serde::Serialize;
use zbus::connection::Builder;
use zbus::{Type, Variant};

use super::{Bus, Listener};
use crate::programs::Running;

const UPOWER: &str = "org.freedesktop.UPower";
const UPOWER_PATH: &str = "/org/freedesktop/UPower";
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

    /// The same on a bus that nothing else of dbusmock's is on; `None`, and a line that says why, without dbusmock.
    pub fn start_alone(test: &str, bus: &Bus, percent: f64) -> Option<Self> {
        super::wifi::is_mock_installed(test).then(|| Self::start(bus, percent))
    }

    /// A battery by itself, which the device runs on, beside the one that stands for all.
    pub fn add(&self, name: &str, percent: f64) {
        let arguments = (name, name, percent, 3_600_i64);
        let method = (UPOWER_PATH, "org.freedesktop.DBus.Mock", "AddDischargingBattery");
        self.call(method, &arguments);
    }

    /// It has so many percent left.
    pub fn discharge(&self, percent: f64) {
        self.set("State", Variant::from(2u32));
        self.set("Percentage", Variant::from(percent));
    }

    fn set(&self, name: &str, value: Variant<'_>) {
        let method = (DISPLAY_DEVICE, "org.freedesktop.DBus.Properties", "Set");
        self.call(method, &(DEVICE, name, value));
    }

    fn call<B: Serialize + Type>(&self, (path, interface, method): (&str, &str, &str), arguments: &B) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let bus = Builder::address(self.bus.as_str()).build().await.expect("a bus");
            let called = bus.call_method(Some(UPOWER), path, Some(interface), method, arguments).await;
            called.unwrap_or_else(|error| panic!("{method}: {error}"));
        });
    }
}
