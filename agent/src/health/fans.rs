//! Fans, as the kernel's monitoring of hardware shows them: `fan1_input` and `fan1_label` below `/sys/class/hwmon`.

use std::fs;
use std::path::Path;

use fieldlink_protocol::messages::health::Fan;

const MONITORS: &str = "/sys/class/hwmon";
/// Longest number or name that is taken, in bytes.
const LONGEST: usize = 128;

/// Reads them. May block. None: not even the list could be read.
pub(super) fn read() -> Option<Vec<Fan>> {
    read_below(Path::new(MONITORS))
}

fn read_below(monitors: &Path) -> Option<Vec<Fan>> {
    let entries = match fs::read_dir(monitors) {
        Ok(entries) => entries,
        // A computer without sensors.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Some(Vec::new()),
        Err(_) => return None,
    };
    let mut fans: Vec<_> = entries.flatten().flat_map(|entry| of_monitor(&entry.path())).collect();
    fans.sort_by(|one, other| one.label.cmp(&other.label));
    Some(fans)
}

fn of_monitor(monitor: &Path) -> Vec<Fan> {
    let Ok(files) = fs::read_dir(monitor) else { return Vec::new() };
    let chip = line(&monitor.join("name")).unwrap_or_default();
    let fan = |name: String| {
        let fan = name.strip_prefix("fan")?.strip_suffix("_input")?;
        let rpm = line(&monitor.join(&name))?.parse().ok()?;
        let label = line(&monitor.join(format!("fan{fan}_label"))).unwrap_or_else(|| format!("fan{fan}"));
        Some(Fan { label: format!("{chip} {label}").trim().to_owned(), rpm })
    };
    files.flatten().filter_map(|file| fan(file.file_name().into_string().ok()?)).collect()
}

fn line(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let text = text.trim();
    (!text.is_empty() && text.len() <= LONGEST).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fans_have_the_names_that_the_kernel_gives_them() {
        let base = tempfile::tempdir().expect("a directory");
        let monitor = base.path().join("hwmon3");
        fs::create_dir(&monitor).expect("writable");
        let files =
            [("name", "nct6775"), ("fan1_input", "1234"), ("fan2_input", "0"), ("fan2_label", "Lidar")];
        for (name, text) in files.into_iter().chain([("fan3_input", "none"), ("temp1_input", "40000")]) {
            fs::write(monitor.join(name), format!("{text}\n")).expect("writable");
        }
        let fan = |label: &str, rpm| Fan { label: label.into(), rpm };
        let wanted = vec![fan("nct6775 Lidar", 0), fan("nct6775 fan1", 1234)];
        assert_eq!(read_below(base.path()), Some(wanted));
        assert_eq!(read_below(&base.path().join("none")), Some(Vec::new()));
    }
}
