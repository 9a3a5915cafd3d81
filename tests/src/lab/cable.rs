//! A cable between two hosts: a pair of virtual Ethernet devices.

use std::process::Command;

use fieldlink_testbed::Namespace;
use fieldlink_testbed::namespace::must;

/// One end of a line: a host, a device to be, and its address, such as `10.0.0.1/24`.
#[derive(Clone, Copy)]
pub struct Plug<'a> {
    /// The host.
    pub host: &'a Namespace,
    /// The name of the device on it.
    pub device: &'a str,
    /// The address of the device.
    pub address: &'a str,
}

impl<'a> Plug<'a> {
    /// An end of a line, from host, device and address.
    pub fn new(host: &'a Namespace, device: &'a str, address: &'a str) -> Self {
        Self { host, device, address }
    }
}

/// A cable that is plugged in at both ends. It stays until its hosts go.
#[derive(Debug, Clone)]
pub struct Cable {
    pub(super) ends: [(Namespace, String); 2],
}

impl Cable {
    pub(super) fn lay(one: Plug<'_>, other: Plug<'_>) -> Self {
        must(
            Command::new("ip")
                .args(["link", "add", one.device, "netns", one.host.name(), "type", "veth"])
                .args(["peer", "name", other.device, "netns", other.host.name()]),
        );
        for plug in [one, other] {
            plug.host.add_address(plug.device, plug.address);
            plug.host.set_up(plug.device);
        }
        Self { ends: [one, other].map(|plug| (plug.host.clone(), plug.device.to_owned())) }
    }

    /// Lets no more through than `rate` (as `tc` writes it: `2mbit`), each way.
    pub fn shape(&self, rate: &str) {
        for (host, device) in &self.ends {
            let arguments = format!("-n {} qdisc replace dev {device} root tbf rate {rate}", host.name());
            must(Command::new("tc").args(arguments.split(' ')).args(["burst", "32kb", "latency", "200ms"]));
        }
    }
}
