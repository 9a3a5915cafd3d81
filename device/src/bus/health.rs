//! What the device knows of itself, which everybody may read.

use super::subject::subject;

subject! {
    interface HealthInterface = "com.navvis.Fieldlink1.Health";

    /// What is known of the device's health without asking anybody.
    properties HealthProperties {
        /// The names of the maker's probes that are asked, as agent.toml has them.
        "Probes" = probes: Vec<String>,
    }

    /// What can be asked of the device.
    methods HealthMethods {
        /// Collects what the device knows of itself, unless that was done just before; it takes some seconds. One JSON object:
        /// model, serial, os, kernel, uptime_seconds, cpu, memory, disks, temperatures, fans, batteries, network, failed_units,
        /// clock, updates, probes; null is not known, and missing lists what did not answer. Open to everyone.
        "Read" = read() -> ("health": String);
    }

    signals {}
}
