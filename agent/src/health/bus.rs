//! Reading properties of services on the system bus.

use std::collections::HashMap;

use zbus::{Connection, OwnedVariant, fdo};

/// Properties by name, as they are read.
pub(super) type Properties = HashMap<String, OwnedVariant>;

/// All properties of an interface.
pub(super) async fn properties(
    bus: &Connection,
    name: &str,
    path: &str,
    interface: &str,
) -> zbus::Result<Properties> {
    let get = "org.freedesktop.DBus.Properties";
    let reply = bus.call_method(Some(name), path, Some(get), "GetAll", &interface).await?;
    reply.body().deserialize()
}

/// Takes a property out, if it is there and of the right type.
pub(super) fn take<T>(properties: &mut Properties, name: &str) -> Option<T>
where
    OwnedVariant: TryInto<T>,
{
    properties.remove(name).and_then(|value| value.try_into().ok())
}

/// Whether a service is there. Asking one that is not could start it.
pub(super) async fn is_there(bus: &Connection, name: &'static str) -> zbus::Result<bool> {
    Ok(fdo::DBusProxy::new(bus).await?.name_has_owner(name.try_into()?).await?)
}
