//! A diagnosis of the device, for the person beside it.

use zbus::OwnedFd;

use super::subject::subject;

subject! {
    interface DiagnosticsInterface = "com.navvis.Fieldlink1.Diagnostics";

    /// What is known of diagnoses.
    properties DiagnosticsProperties {
        /// The units whose journal is taken beside what always is, as agent.toml has them.
        "Units" = units: Vec<String>,
        /// The log files that are taken, as agent.toml has them: patterns of paths.
        "Files" = files: Vec<String>,
    }

    /// What can be asked for.
    methods DiagnosticsMethods {
        /// Has a diagnosis of the device collected: its health, excerpts of the journal, and the log files that agent.toml
        /// lists, without the secrets that can be recognised. The stream has lines of JSON, {"type":"progress","done":1,"of":9}
        /// so far, then {"type":"archive","name":"….tar.zst","bytes":N} and N bytes, or {"type":"failed","why":"…"}. One that
        /// ends at once says that another diagnosis is being collected. polkit: .diagnose
        "Collect" = collect() -> ("stream": OwnedFd);
    }

    signals {}
}
