//! A report as people read it, and as programs do.

use std::fmt::Write;
use std::time::Duration;

use fieldlink_protocol::text;
use fieldlink_transport::{Measurement, MeasurementEnd};
use serde_json::{Value, json};

use super::check::{Outcome, Report, Step};

/// Several addresses may each have a problem, in characters.
const DETAIL: usize = 1_000;

impl Report {
    /// As people read it: the verdict, then what was done, in columns, then the engineer's line.
    pub fn to_text(&self) -> String {
        let mut shown = format!("{}  {}\n\n", self.verdict.code, self.verdict.sentence);
        for step in &self.steps {
            let outcome = outcome_name(step.outcome);
            // Writing to a string does not fail.
            let _ = writeln!(
                shown,
                "  {:<16}{outcome:<9}{:>9}  {}",
                step.name,
                format!("{:.1} ms", milliseconds(step.took)),
                text::clean(&step.detail, DETAIL)
            );
        }
        let _ = writeln!(shown, "\n  For the engineer: {}", self.verdict.engineer);
        shown
    }

    /// As programs read it.
    pub fn to_json(&self) -> Value {
        json!({
            "code": self.verdict.code,
            "sentence": self.verdict.sentence,
            "engineer": self.verdict.engineer,
            "steps": self.steps.iter().map(step_to_json).collect::<Vec<_>>(),
            "network": self.network,
            "measurement": self.measurement.as_ref().map(measurement_to_json),
            "clock": self.clock,
        })
    }
}

fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "ok",
        Outcome::Failed => "failed",
        Outcome::Unknown => "unknown",
    }
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e4).round() / 10.0
}

fn step_to_json(step: &Step) -> Value {
    json!({
        "step": step.name,
        "outcome": outcome_name(step.outcome),
        "milliseconds": milliseconds(step.took),
        "detail": text::clean(&step.detail, DETAIL),
    })
}

fn measurement_to_json(measurement: &Measurement) -> Value {
    let end = match &measurement.end {
        MeasurementEnd::Complete => "complete",
        MeasurementEnd::OutOfTime => "out-of-time",
        MeasurementEnd::Cut(_) => "cut",
    };
    json!({
        "end": end,
        "round_trips": measurement.round_trips.len(),
        "median_milliseconds": measurement.median().map(milliseconds),
        "jitter_milliseconds": measurement.jitter().map(milliseconds),
        "up_mbit_per_second": measurement.up,
        "down_mbit_per_second": measurement.down,
        "bytes_received": measurement.received,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::clock::Clock;
    use crate::network::state::NetworkState;
    use crate::network::verdict::{Code, Verdict};

    fn report(code: Code) -> Report {
        let took = Duration::from_micros(1_234);
        let step = |name, outcome, detail: &str| Step { name, outcome, took, detail: detail.into() };
        Report {
            verdict: Verdict {
                code,
                sentence: "Connected.".into(),
                engineer: "all of it".into(),
                is_proven: true,
            },
            steps: vec![
                step("networkmanager", Outcome::Unknown, "not running"),
                step("tcp", Outcome::Failed, "refused\u{1b}[2J"),
            ],
            network: NetworkState::NotRunning,
            measurement: None,
            clock: Clock { now: 0, synchronised: false },
        }
    }

    #[test]
    fn people_read_columns() {
        assert_eq!(
            report(Code::N6).to_text(),
            "N6  Connected.\n\n\
             \x20 networkmanager  unknown     1.2 ms  not running\n\
             \x20 tcp             failed      1.2 ms  refused\u{fffd}[2J\n\
             \n  For the engineer: all of it\n"
        );
    }

    #[test]
    fn programs_read_codes() {
        let json = report(Code::N10).to_json();
        assert_eq!((json["code"].as_str(), json["network"].as_str()), (Some("N10"), Some("not-running")));
        assert_eq!(json["steps"][1]["outcome"], "failed");
        assert_eq!([Code::N0, Code::N1, Code::N10].map(|code| report(code).exit_code()), [0, 11, 20]);
    }
}
