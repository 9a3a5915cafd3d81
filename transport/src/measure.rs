//! How good the way to the relay is: ten round trips, then 256 KiB each way, within [`limits::MEASURE`].
//!
//! The round trips go out 50 ms apart without waiting for each other, so that ten of them cost half a
//! second and one round trip, not ten.

use std::time::Duration;

use bytes::Bytes;
use fieldlink_protocol::{limits, text};
use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, interval, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::WebSocket;
use super::control::close_reason;

/// Between two round trips' departures.
const SPACING: Duration = Duration::from_millis(50);

/// What was measured, or how far it got.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    /// Every round trip that came back, in the order of its departure.
    pub round_trips: Vec<Duration>,
    /// How fast 256 KiB arrived at the relay, in Mbit/s. `None`: they did not.
    pub up: Option<f64>,
    /// How fast what the relay sent arrived here, in Mbit/s, even if not all of it did.
    pub down: Option<f64>,
    /// Bytes that the relay sent and that arrived here.
    pub received: usize,
    /// How it ended.
    pub end: MeasurementEnd,
}

/// How a measurement ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MeasurementEnd {
    /// All of it was measured.
    Complete,
    /// The time was over.
    OutOfTime,
    /// The connection broke, or the relay did not follow.
    Cut(String),
}

impl Measurement {
    /// The median round trip.
    pub fn median(&self) -> Option<Duration> {
        let mut sorted = self.round_trips.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied()
    }

    /// How much one round trip differs from the next, on average.
    pub fn jitter(&self) -> Option<Duration> {
        let differences = self.round_trips.windows(2).map(|two| two[0].abs_diff(two[1]));
        let count = u32::try_from(self.round_trips.len().checked_sub(1)?).ok().filter(|&count| count > 0)?;
        Some(differences.sum::<Duration>() / count)
    }

    /// The slower direction in Mbit/s, as far as it is known; what was not finished is at most this fast.
    pub fn slowest(&self) -> Option<f64> {
        match (self.up, self.down) {
            (Some(up), Some(down)) => Some(up.min(down)),
            (None, _) if self.end == MeasurementEnd::OutOfTime && !self.round_trips.is_empty() => {
                Some(mbit_per_second(limits::MEASURE_BYTES, limits::MEASURE))
            }
            (known, other) => known.or(other),
        }
    }
}

/// Measures over a connection to [`fieldlink_protocol::endpoint::MEASURE`] and uses it up. Never takes longer than
/// [`limits::MEASURE`] and a moment to say goodbye.
pub async fn measure(mut socket: WebSocket) -> Measurement {
    let end = MeasurementEnd::OutOfTime;
    let mut measurement = Measurement { round_trips: Vec::new(), up: None, down: None, received: 0, end };
    let mut down_since = None;
    let measured = timeout(limits::MEASURE, run(&mut socket, &mut measurement, &mut down_since)).await;
    match measured {
        Ok(Ok(())) => measurement.end = MeasurementEnd::Complete,
        Ok(Err(problem)) => measurement.end = MeasurementEnd::Cut(problem),
        Err(_) => {}
    }
    if let (Some(since), received @ 1..) = (down_since, measurement.received) {
        measurement.down = Some(mbit_per_second(received, Instant::now() - since));
    }
    let _ = timeout(limits::CLOSE, socket.close(None)).await;
    measurement
}

/// `down_since` is set once the relay sends; the rate is worked out when it is over.
async fn run(
    socket: &mut WebSocket,
    measurement: &mut Measurement,
    down_since: &mut Option<Instant>,
) -> Result<(), String> {
    measure_round_trips(socket, &mut measurement.round_trips).await?;
    let chunk = Bytes::from_static(&[0; limits::MEASURE_CHUNK]);
    let began = Instant::now();
    for _ in 0..limits::MEASURE_BYTES / limits::MEASURE_CHUNK {
        socket.send(Message::Binary(chunk.clone())).await.map_err(broken)?;
    }
    if next(socket).await?.len() > limits::MEASURE_ECHO {
        return Err(out_of_turn());
    }
    // The answer's way back is no part of the upload.
    let way_back = measurement.median().unwrap_or_default() / 2;
    measurement.up = Some(mbit_per_second(limits::MEASURE_BYTES, began.elapsed().saturating_sub(way_back)));
    *down_since = Some(Instant::now());
    while measurement.received < limits::MEASURE_BYTES {
        measurement.received += next(socket).await?.len();
    }
    Ok(())
}

async fn measure_round_trips(socket: &mut WebSocket, round_trips: &mut Vec<Duration>) -> Result<(), String> {
    let mut departures = Vec::with_capacity(limits::MEASURE_ROUND_TRIPS);
    let mut ticks = interval(SPACING);
    while round_trips.len() < limits::MEASURE_ROUND_TRIPS {
        tokio::select! {
            _ = ticks.tick(), if departures.len() < limits::MEASURE_ROUND_TRIPS => {
                let number = departures.len().to_string();
                departures.push(Instant::now());
                socket.send(Message::text(number)).await.map_err(broken)?;
            }
            echo = next(socket) => {
                let (echo, number) = (echo?, round_trips.len());
                let departure = departures.get(number).ok_or_else(out_of_turn)?;
                if echo.into_data() != number.to_string().as_bytes() {
                    return Err(out_of_turn());
                }
                round_trips.push(departure.elapsed());
            }
        }
    }
    Ok(())
}

/// The relay's next message that says something. Safe to cancel.
async fn next(socket: &mut WebSocket) -> Result<Message, String> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Ok(Message::Close(frame))) => return Err(format!("closed: {}", close_reason(frame))),
            Some(Ok(message)) if !message.is_empty() => return Ok(message),
            Some(Ok(_)) => return Err(out_of_turn()),
            Some(Err(error)) => return Err(broken(error)),
            None => return Err("it was cut".into()),
        }
    }
}

fn broken(error: tokio_tungstenite::tungstenite::Error) -> String {
    text::sentence(&error.to_string())
}

fn out_of_turn() -> String {
    "the relay did not follow the measurement".into()
}

fn mbit_per_second(bytes: usize, time: Duration) -> f64 {
    // Over loopback the time can round to nothing.
    bytes as f64 * 8.0 / 1e6 / time.as_secs_f64().max(1e-4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(milliseconds: &[u64]) -> Measurement {
        let round_trips = milliseconds.iter().copied().map(Duration::from_millis).collect();
        Measurement { round_trips, up: None, down: None, received: 0, end: MeasurementEnd::OutOfTime }
    }

    #[test]
    fn median_and_jitter_of_what_came_back() {
        let measurement = measured(&[10, 30, 20, 1_000, 20]);
        assert_eq!(measurement.median(), Some(Duration::from_millis(20)));
        assert_eq!(measurement.jitter(), Some(Duration::from_micros((20 + 10 + 980 + 980) * 1_000 / 4)));
        assert_eq!((measured(&[]).median(), measured(&[]).jitter()), (None, None));
        assert_eq!(
            (measured(&[7]).median(), measured(&[7]).jitter()),
            (Some(Duration::from_millis(7)), None)
        );
    }

    #[test]
    fn what_did_not_finish_was_slow() {
        let mut measurement = measured(&[10]);
        assert!(measurement.slowest().is_some_and(|rate| rate < 0.5));
        measurement.up = Some(3.0);
        assert_eq!(measurement.slowest(), Some(3.0));
        measurement.down = Some(0.2);
        assert_eq!(measurement.slowest(), Some(0.2));
    }
}
