//! Waiting for a time since boot. What the time is says [`now`].

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::io::unix::AsyncFd;

pub(crate) use fieldlink_device::clock::now;
use fieldlink_session::sys;

/// A timer on `CLOCK_BOOTTIME`, for one deadline at a time.
pub(crate) struct BootTimer {
    timer: TimerFd,
    /// A duplicate of the same timer, for the event loop.
    readiness: AsyncFd<OwnedFd>,
}

impl BootTimer {
    /// Makes a timer that is not set.
    pub(crate) fn new() -> std::io::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = TimerFd::new(ClockId::CLOCK_BOOTTIME, flags)?;
        let readiness = sys::register(timer.as_fd().try_clone_to_owned()?)?;
        Ok(Self { timer, readiness })
    }

    /// Waits until `deadline`, or for ever if there is none. Safe to cancel.
    pub(crate) async fn wait(&self, deadline: Option<Duration>) -> std::io::Result<()> {
        let Some(deadline) = deadline else { return std::future::pending().await };
        // An absolute time of zero would disarm the timer.
        let at = TimeSpec::from(deadline.max(Duration::from_nanos(1)));
        self.timer.set(Expiration::OneShot(at), TimerSetTimeFlags::TFD_TIMER_ABSTIME)?;
        let mut ready = self.readiness.readable().await?;
        ready.clear_ready();
        Ok(())
    }
}
