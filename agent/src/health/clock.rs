//! Whether the clock follows a time server, and how far off it was when the server was asked last.

use zbus::Connection;

use fieldlink_protocol::messages::health::Clock;

use super::bus::{is_there, properties, take};

const TIMEDATE: &str = "org.freedesktop.timedate1";
const TIMEDATE_PATH: &str = "/org/freedesktop/timedate1";
const TIMESYNC: &str = "org.freedesktop.timesync1";
const TIMESYNC_PATH: &str = "/org/freedesktop/timesync1";
const TIMESYNC_MANAGER: &str = "org.freedesktop.timesync1.Manager";

/// The last answer of a time server (`NTPMessage` of timesync1): among others, when it was asked for, came to the server,
/// left it and arrived, in microseconds.
type NtpMessage = (u32, u32, u32, u32, i32, u64, u64, Vec<u8>, u64, u64, u64, u64, bool, u64, u64);

/// Asks for it.
pub(super) async fn read(bus: &Connection) -> zbus::Result<Clock> {
    let mut known = properties(bus, TIMEDATE, TIMEDATE_PATH, TIMEDATE).await?;
    let synchronised = take(&mut known, "NTPSynchronized").ok_or(zbus::Error::InvalidField)?;
    // Other programs that set the clock tell nobody by how much.
    let offset_milliseconds = offset(bus).await.ok().flatten();
    Ok(Clock { synchronised, offset_milliseconds })
}

async fn offset(bus: &Connection) -> zbus::Result<Option<i64>> {
    if !is_there(bus, TIMESYNC).await? {
        return Ok(None);
    }
    let get = "org.freedesktop.DBus.Properties";
    let of = &(TIMESYNC_MANAGER, "NTPMessage");
    let reply = bus.call_method(Some(TIMESYNC), TIMESYNC_PATH, Some(get), "Get", of).await?;
    let variant: zbus::OwnedVariant = reply.body().deserialize()?;
    let Ok(message) = NtpMessage::try_from(variant) else { return Ok(None) };
    let (.., sent, received, answered, arrived, _, packets, _) = message;
    Ok((packets > 0).then(|| milliseconds_ahead([sent, received, answered, arrived])))
}

/// By how much the server is ahead (RFC 5905, section 8): what both ways took is taken to be the same.
fn milliseconds_ahead([sent, received, answered, arrived]: [u64; 4]) -> i64 {
    let there = i128::from(received) - i128::from(sent);
    let back = i128::from(answered) - i128::from(arrived);
    i64::try_from((there + back) / 2 / 1000).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_ahead_by_what_the_way_does_not_explain() {
        // Ten milliseconds each way, and the server two seconds ahead.
        assert_eq!(milliseconds_ahead([1_000_000, 3_010_000, 3_011_000, 1_021_000]), 2_000);
        assert_eq!(milliseconds_ahead([3_000_000, 1_010_000, 1_011_000, 3_021_000]), -2_000);
        assert_eq!(
            milliseconds_ahead([0, u64::MAX, u64::MAX, 0]),
            i64::try_from(u64::MAX / 1000).expect("fits")
        );
    }
}
