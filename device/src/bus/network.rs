//! How good the network is.

use super::arguments::{BusArguments, from_bus, to_bus};
use super::subject::subject;
use crate::notice;
use crate::status::Status;

subject! {
    interface NetworkInterface = "com.navvis.Fieldlink1.Network";

    /// The network's verdict.
    properties NetworkProperties {
        /// "N0" to "N14", to be read out; "connected" before the relay was asked, empty before anybody has looked.
        "Code" = code: String,
        /// N0 and connected: kind s ("cable", "wifi", "hotspot", "mobile", "bluetooth", "other"), name s, metered b.
        /// N7: clock s. N9: percent t. N10: milliseconds t, rate s (Mbit/s), below b, measured b, hotspot b.
        "Arguments" = arguments: BusArguments,
    }

    /// What can be asked of the network.
    methods NetworkMethods {
        /// Checks the network, which takes some seconds, unless that was done just before. The exit code is 0 for N0 and
        /// 10 + n for Nn; code and arguments are as the properties; details are for the engineer, in English. Open to
        /// everyone.
        "Check" = check() -> (
            "exit_code": u32, "code": String, "arguments": BusArguments, "details": String, "json": String
        );
    }

    signals {}
}

impl From<&Status> for NetworkProperties {
    fn from(status: &Status) -> Self {
        let (code, arguments) = notice::parts(&status.network);
        Self { code, arguments: to_bus(arguments) }
    }
}

impl NetworkProperties {
    /// Writes what they say into `status`.
    pub(super) fn read_into(&self, status: &mut Status) {
        status.network = notice::of_parts(&self.code, from_bus(&self.arguments)).unwrap_or_default();
    }
}
