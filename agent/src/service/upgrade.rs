//! An upgrade replaces this program's file while it runs. The agent goes on, and makes room for the new
//! version once remote access has been off for a while. It stays if the new one could not start.

use std::path::Path;
use std::time::Duration;

use fieldlink_device::panel::View;
use fieldlink_device::status::Phase;
use tokio::sync::watch;

/// How long remote access must have been off. The client may still be reading why it ended.
const QUIET: Duration = Duration::from_secs(60);
/// The package's scripts make this file before they unpack another version, and remove it once that version has
/// accepted the settings of this device.
const KEEP: &str = "/run/fieldlink-agent.keep";
/// Between two looks at the file.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Waits until this program was replaced and remote access has been off for a while.
pub(super) async fn due(mut view: watch::Receiver<View>) {
    let quiet = quiet_time();
    loop {
        let is_off = view.borrow_and_update().status.phase == Phase::Off;
        let pause = if is_off { quiet } else { LOOK_AGAIN.max(quiet) };
        tokio::select! {
            changed = view.wait_for(|view| (view.status.phase == Phase::Off) != is_off) => {
                if changed.is_err() {
                    return std::future::pending().await;
                }
            }
            () = tokio::time::sleep(pause), if is_off => {
                if is_replaced() && !Path::new(KEEP).exists() {
                    return;
                }
            }
        }
    }
}

/// A test does not have the minute.
fn quiet_time() -> Duration {
    let seconds = std::env::var("FIELDLINK_QUIET_SECONDS").ok().and_then(|text| text.parse().ok());
    seconds.map_or(QUIET, Duration::from_secs)
}

/// Whether the file that this program was started from is another one now.
fn is_replaced() -> bool {
    let own = std::fs::read_link("/proc/self/exe").unwrap_or_default();
    is_name_of_a_deleted_file(&own)
}

/// The kernel's way to say that a file is gone, as it is after another was put in its place.
fn is_name_of_a_deleted_file(path: &Path) -> bool {
    path.to_string_lossy().ends_with(" (deleted)")
}
