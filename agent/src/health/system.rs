//! Processors, memory, temperatures and what the computer is called, as the kernel shows them.

use fieldlink_protocol::messages::health::{Cpu, Health, Memory, Source, Temperature};
use sysinfo::{Components, Product, System};

/// What the kernel shows.
pub(super) struct SystemFacts {
    model: Option<String>,
    serial: Option<String>,
    os: Option<String>,
    kernel: Option<String>,
    uptime_seconds: Option<u64>,
    cpu: Option<Cpu>,
    memory: Option<Memory>,
    temperatures: Vec<Temperature>,
}

/// Reads it. May block.
pub(super) fn read() -> SystemFacts {
    SystemFacts {
        model: model(),
        // On PCs only root may read it; then it is not known.
        serial: Product::serial_number().ok(),
        os: System::long_os_version().ok(),
        kernel: System::kernel_version().ok(),
        uptime_seconds: System::uptime().ok(),
        cpu: cpu(),
        memory: memory(),
        temperatures: temperatures().unwrap_or_default(),
    }
}

impl SystemFacts {
    /// Writes it into `health`.
    pub(super) fn put_into(self, health: &mut Health) {
        if self.cpu.is_none() || self.memory.is_none() {
            health.missing.insert(Source::System);
        }
        let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        (health.model, health.serial) = (given(self.model), given(self.serial));
        (health.os, health.kernel) = (given(self.os), given(self.kernel));
        health.uptime_seconds = self.uptime_seconds;
        (health.cpu, health.memory) = (self.cpu, self.memory);
        health.temperatures = self.temperatures;
    }
}

fn model() -> Option<String> {
    let name = Product::name().ok()?;
    Some(match Product::vendor_name() {
        Ok(vendor) if !name.starts_with(&vendor) => format!("{vendor} {name}"),
        _ => name,
    })
}

fn cpu() -> Option<Cpu> {
    let count = std::thread::available_parallelism().ok()?;
    let load = System::load_average().ok()?.one;
    // A conversion of floating point saturates.
    Some(Cpu { count: u32::try_from(count.get()).ok()?, load_hundredths: (load * 100.0) as u32 })
}

fn memory() -> Option<Memory> {
    let mut system = System::new().ok()?;
    system.refresh_memory();
    let total_bytes = system.total_memory();
    let used_bytes = total_bytes.saturating_sub(system.available_memory());
    (total_bytes > 0).then_some(Memory { total_bytes, used_bytes })
}

fn temperatures() -> Option<Vec<Temperature>> {
    let sensors = Components::new_with_refreshed_list().ok()?;
    let read = |sensor: &sysinfo::Component| {
        let celsius = degrees(sensor.temperature()?)?;
        let limit_celsius = sensor.critical().and_then(degrees);
        Some(Temperature { label: sensor.label().to_owned(), celsius, limit_celsius })
    };
    let mut temperatures: Vec<_> = sensors.iter().filter_map(read).collect();
    // The order of a directory is nobody's.
    temperatures.sort_by(|one, other| one.label.cmp(&other.label));
    Some(temperatures)
}

fn degrees(celsius: f32) -> Option<i32> {
    celsius.is_finite().then(|| celsius.round() as i32)
}
