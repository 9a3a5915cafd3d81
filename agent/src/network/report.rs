//! A report as people read it, and as programs do.

use std::fmt::Write;
use std::time::Duration;

use fieldlink_device::notice;
use fieldlink_device::words::Words;
use fieldlink_protocol::text;
use fieldlink_transport::{Measurement, MeasurementEnd};
use serde_json::{Value, json};

use super::check::{Outcome, Report, Step};
use super::verdict::Verdict;

/// Several addresses may each have a problem, in characters.
const DETAIL: usize = 1_000;

impl Report {
    /// As people read it: the verdict in the client's `words`, and below it what it was concluded from.
    pub fn to_text(&self, words: &Words) -> String {
        let Verdict { code, notice, .. } = &self.verdict;
        format!("{code}  {}\n\n{}", words.network(notice), self.details())
    }

    /// What was done, in columns, then the engineer's line.
    pub fn details(&self) -> String {
        let mut shown = String::new();
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

    /// As programs read it, with the sentence that people read.
    pub fn to_json(&self, words: &Words) -> Value {
        let mut value = self.to_codes();
        value["sentence"] = words.network(&self.verdict.notice).into();
        value
    }

    /// As programs read it, without any sentence for the client.
    pub fn to_codes(&self) -> Value {
        json!({
            "code": self.verdict.code,
            "arguments": notice::parts(&self.verdict.notice).1,
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
    use fieldlink_device::network_notice::NetworkNotice;
    use fieldlink_device::words::Language;

    use super::*;
    use crate::network::clock::Clock;
    use crate::network::state::NetworkState;
    use crate::network::verdict::Code;

    fn report(code: Code) -> Report {
        let took = Duration::from_micros(1_234);
        let step = |name, outcome, detail: &str| Step { name, outcome, took, detail: detail.into() };
        Report {
            verdict: Verdict {
                code,
                notice: NetworkNotice::N3,
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
            report(Code::N3).to_text(&Words::new(Language::English)),
            "N3  This network wants you to sign in first. Open the browser on this device and sign in.\n\n\
             \x20 networkmanager  unknown     1.2 ms  not running\n\
             \x20 tcp             failed      1.2 ms  refused\u{fffd}[2J\n\
             \n  For the engineer: all of it\n"
        );
    }

    #[test]
    fn programs_read_codes() {
        let json = report(Code::N10).to_codes();
        assert_eq!((json["code"].as_str(), json["network"].as_str()), (Some("N10"), Some("not-running")));
        assert_eq!(json["steps"][1]["outcome"], "failed");
        assert_eq!([Code::N0, Code::N1, Code::N10].map(|code| report(code).exit_code()), [0, 11, 20]);
    }
}
