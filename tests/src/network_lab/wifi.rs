//! A Wi-Fi that is not there: dbusmock in NetworkManager's place. Needs no root.

use std::process::Command;

use nix::sys::signal::Signal;
use serde::Serialize;
use tempfile::TempDir;
use zbus::connection::Builder;
use zbus::wire::Type;
use zbus::{Connection, ObjectPath, Variant};

use super::{Bus, Listener, is_installed, skip};
use crate::programs::Running;

/// The one that apt installs packages for; another may come first on the path.
pub(super) const PYTHON: &str = "/usr/bin/python3";
const MANAGER: &str = "org.freedesktop.NetworkManager";
const ROOT: &str = "/org/freedesktop/NetworkManager";
const MOCK: &str = "org.freedesktop.DBus.Mock";
const ACCESS_POINT: &str = "org.freedesktop.NetworkManager.AccessPoint";

/// A bus with a NetworkManager that knows one Wi-Fi.
pub struct MockWifi {
    runtime: tokio::runtime::Runtime,
    connection: Connection,
    access_point: String,
    /// Of the connection that is saved.
    settings: String,
    mock: Running,
    bus: Bus,
    directory: TempDir,
}

/// What is left of a [`MockWifi`]: where its bus was, and can be again.
pub struct CrashedWifi {
    directory: TempDir,
}

impl CrashedWifi {
    /// Starts it again in the same place.
    pub fn start_again(self, ssid: &str, strength: u8) -> MockWifi {
        MockWifi::start_in(self.directory, ssid, strength)
    }
}

/// Whether there is dbusmock; if not, a line says that `test` is left out.
pub(super) fn is_mock_installed(test: &str) -> bool {
    let has_mock = Command::new(PYTHON).args(["-c", "import dbusmock"]).output();
    let is_there = is_installed("dbus-daemon") && has_mock.is_ok_and(|output| output.status.success());
    if !is_there {
        skip(test, "dbusmock is not installed (tests/setup installs it)");
    }
    is_there
}

impl MockWifi {
    /// Connected to a Wi-Fi of that name and strength; `None`, and a line that says why, without dbusmock.
    pub fn start(test: &str, ssid: &str, strength: u8) -> Option<Self> {
        if !is_mock_installed(test) {
            return None;
        }
        let directory = tempfile::tempdir().expect("a temporary directory");
        Some(Self::start_in(directory, ssid, strength))
    }

    /// NetworkManager is there, but answers nothing any more.
    pub fn freeze(&self) {
        self.mock.signal(Signal::SIGSTOP);
    }

    /// Kills the bus and everything on it.
    pub fn crash(self) -> CrashedWifi {
        CrashedWifi { directory: self.directory }
    }

    fn start_in(directory: TempDir, ssid: &str, strength: u8) -> Self {
        let bus = Bus::start(directory.path());
        let listener = Listener::start(&bus);
        let mut command = Command::new(PYTHON);
        command.args(["-m", "dbusmock", "--system", "--template", "networkmanager"]);
        let mock = Running::start("dbusmock", bus.address_for(&mut command));
        listener.wait_for_name();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let connecting = async { Builder::address(bus.address().as_str()).build().await };
        let connection = runtime.block_on(connecting).expect("a bus");
        let mut wifi = Self {
            runtime,
            connection,
            access_point: String::new(),
            settings: String::new(),
            mock,
            bus,
            directory,
        };
        wifi.connect(ssid, strength);
        wifi
    }

    /// The bus that the mock is on.
    pub fn bus(&self) -> &Bus {
        &self.bus
    }

    /// Whether the Wi-Fi says that it costs money, as phones do.
    pub fn set_metered(&self, metered: bool) {
        // NM_METERED_GUESS_YES and GUESS_NO.
        self.set(ROOT, MANAGER, "Metered", Variant::from(if metered { 3u32 } else { 4u32 }));
    }

    /// How strong the Wi-Fi's signal is.
    pub fn set_strength(&self, strength: u8) {
        self.set(&self.access_point, ACCESS_POINT, "Strength", Variant::from(strength));
    }

    /// What NetworkManager thinks of the internet.
    pub fn set_connectivity(&self, connectivity: u32) {
        self.set(ROOT, MANAGER, "Connectivity", Variant::from(connectivity));
    }

    /// A cable with a better metric than the Wi-Fi's, as NetworkManager gives it.
    pub fn plug_in_cable(&self) {
        let device = self.mock("AddEthernetDevice", &("eth0", "eth0", 100i32));
        let described = (vec![device.as_str()], self.settings.as_str(), "/", "cable", 2u32);
        let active = self.mock("AddActiveConnection", &described);
        let active = ObjectPath::try_from(active.as_str()).expect("a path").into_owned();
        self.set(ROOT, MANAGER, "PrimaryConnection", Variant::from(active));
        self.set(ROOT, MANAGER, "PrimaryConnectionType", Variant::from("802-3-ethernet"));
    }

    fn connect(&mut self, ssid: &str, strength: u8) {
        let device = self.mock("AddWiFiDevice", &("wlan0", "wlan0", 100i32));
        let address = "00:23:F8:7E:12:BB";
        let described = (device.as_str(), "ap", ssid, address, 2u32, 2_425u32, 5_400u32, strength, 0x100u32);
        self.access_point = self.mock("AddAccessPoint", &described);
        self.settings = self.mock("AddWiFiConnection", &(device.as_str(), "connection", ssid, "wpa-psk"));
        let active = self.mock(
            "AddActiveConnection",
            &(vec![device.as_str()], self.settings.as_str(), self.access_point.as_str(), "active", 2u32),
        );
        // The template does not have these.
        let active = ObjectPath::try_from(active.as_str()).expect("a path").into_owned();
        self.add(("PrimaryConnectionType", Variant::from("802-11-wireless")));
        self.add(("Metered", Variant::from(4u32)));
        self.add(("PrimaryConnection", Variant::from(active)));
    }

    /// Calls a method of the mock that returns a path.
    fn mock<B: Serialize + Type>(&self, method: &str, arguments: &B) -> String {
        let called = self.connection.call_method(Some(MANAGER), ROOT, Some(MOCK), method, arguments);
        let reply = self.runtime.block_on(called).unwrap_or_else(|error| panic!("{method}: {error}"));
        reply.body().deserialize().expect("a path")
    }

    fn add(&self, (name, value): (&str, Variant<'_>)) {
        let arguments = (MANAGER, name, value);
        let called = self.connection.call_method(Some(MANAGER), ROOT, Some(MOCK), "AddProperty", &arguments);
        self.runtime.block_on(called).unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    fn set(&self, path: &str, interface: &str, name: &str, value: Variant<'_>) {
        let properties = Some("org.freedesktop.DBus.Properties");
        let arguments = (interface, name, value);
        let called = self.connection.call_method(Some(MANAGER), path, properties, "Set", &arguments);
        self.runtime.block_on(called).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
