//! Questions and steps that every scanner has words for: the client reads them in their own language, and the answers
//! mean the same in all of them.

use serde::{Deserialize, Serialize};

/// A ready question, or a ready step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ready {
    /// What the light does when the scanner is switched on.
    LightAtStart,
    /// What it does during a scan.
    LightWhileScanning,
    /// What can be heard.
    Sounds,
    /// Swap the battery.
    BatterySwap,
    /// Check the network cable.
    Cable,
    /// Switch the scanner off and on by hand.
    RestartByHand,
}

const LIGHTS: &[&str] = &["off", "green", "blue", "yellow", "red", "blinking"];
const SOUNDS: &[&str] = &["nothing", "one-beep", "beeps", "fan", "grinding"];

impl Ready {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::LightAtStart,
        Self::LightWhileScanning,
        Self::Sounds,
        Self::BatterySwap,
        Self::Cable,
        Self::RestartByHand,
    ];

    /// The name on command lines, on D-Bus and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::LightAtStart => "light-at-start",
            Self::LightWhileScanning => "light-while-scanning",
            Self::Sounds => "sounds",
            Self::BatterySwap => "battery-swap",
            Self::Cable => "cable",
            Self::RestartByHand => "restart-by-hand",
        }
    }

    /// What has this name, if this version knows it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ready| ready.name() == name)
    }

    /// The names of the answers to choose from; none for a step, which is done or not.
    pub fn choices(self) -> &'static [&'static str] {
        match self {
            Self::LightAtStart | Self::LightWhileScanning => LIGHTS,
            Self::Sounds => SOUNDS,
            Self::BatterySwap | Self::Cable | Self::RestartByHand => &[],
        }
    }

    /// Whether it is something to do.
    pub fn is_step(self) -> bool {
        self.choices().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_wire() {
        for ready in Ready::ALL {
            assert_eq!(Ready::from_name(ready.name()), Some(ready));
            assert_eq!(serde_json::to_string(&ready).expect("a name"), format!("{:?}", ready.name()));
            assert!(ready.choices().len() <= crate::limits::CHOICES);
        }
    }
}
