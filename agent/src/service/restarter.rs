//! Has logind restart the device: what polkit lets this account do, and nothing more.

use fieldlink_protocol::text;
use futures_util::future::BoxFuture;
use zbus::{Connection, fdo};

use crate::carry_on::Restarter;

#[zbus::proxy(
    interface = "org.freedesktop.login1.Manager",
    default_service = "org.freedesktop.login1",
    default_path = "/org/freedesktop/login1"
)]
trait RestartManager {
    fn can_reboot(&self) -> fdo::Result<String>;
    fn reboot(&self, interactive: bool) -> fdo::Result<()>;
}

/// logind, over a connection of its own for each question.
pub(super) struct Logind;

impl Restarter for Logind {
    fn can_restart(&self) -> BoxFuture<'static, bool> {
        Box::pin(async {
            let answer = async { manager().await?.can_reboot().await };
            match answer.await {
                Ok(answer) => answer == "yes",
                Err(error) => {
                    tracing::warn!(%error, "logind does not say whether it restarts the device");
                    false
                }
            }
        })
    }

    fn restart(&self) -> BoxFuture<'static, Result<(), String>> {
        Box::pin(async {
            let asked = async { manager().await?.reboot(false).await };
            asked.await.map_err(|error| text::sentence(&error.to_string()))
        })
    }
}

async fn manager() -> fdo::Result<RestartManagerProxy<'static>> {
    let bus = Connection::system().await?;
    Ok(RestartManagerProxy::new(&bus).await?)
}
