//! Why a session process went: systemd stops what is bound to the agent before it stops the agent, so at
//! that moment only systemd knows that nothing has failed.

use std::time::Duration;

use tokio::time::timeout;
use zbus::{Connection, OwnedObjectPath, OwnedVariant};

/// The session is over already, and both sides wait to hear why.
const PATIENCE: Duration = Duration::from_millis(200);

/// The manager's object for `fieldlink-agent.service`: unit names are escaped as the page
/// `org.freedesktop.systemd1` says.
const UNIT: &str = "/org/freedesktop/systemd1/unit/fieldlink_2dagent_2eservice";

/// Whether systemd has a job for the agent. While it runs that can only be to stop it, or to start it anew.
/// No answer in time is a no.
pub(super) async fn is_queued() -> bool {
    match timeout(PATIENCE, job()).await {
        Ok(Ok(job)) => job != 0,
        Ok(Err(error)) => {
            tracing::info!(%error, "systemd does not say whether it stops the agent");
            false
        }
        Err(_) => false,
    }
}

/// The property `Job` of `org.freedesktop.systemd1.Unit`: a job's number, 0 for none, and its object.
async fn job() -> zbus::Result<u32> {
    let bus = Connection::system().await?;
    let reply = bus
        .call_method(
            Some("org.freedesktop.systemd1"),
            UNIT,
            Some("org.freedesktop.DBus.Properties"),
            "Get",
            &("org.freedesktop.systemd1.Unit", "Job"),
        )
        .await?;
    let value: OwnedVariant = reply.body().deserialize()?;
    let (job, _) = <(u32, OwnedObjectPath)>::try_from(value)?;
    Ok(job)
}
