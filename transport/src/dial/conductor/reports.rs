//! What is said of a dialling: its steps, and of those that failed the words that say most.

use super::super::destination::Destination;
use super::super::race::{AttemptId, Setback};
use super::super::route::Route;
use super::super::{DialError, DialStep, StepReport};
use super::Conductor;
use crate::hello::Hello;
use crate::proxy::ProxyError;
use fieldlink_protocol::limits;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

impl Conductor<'_> {
    /// Until the tunnel stands, it is the proxy that does not answer.
    pub(super) fn silence(&self, step: Option<DialStep>) -> DialError {
        let (relay, seconds) = (&self.line.relay, limits::HANDSHAKE.as_secs());
        let is_early = self.begun.elapsed() < limits::HANDSHAKE;
        match (&self.line.proxy, step) {
            (None, _) | (_, Some(DialStep::Tls | DialStep::Upgrade)) if is_early => {
                DialError::Unreachable(relay.clone().into(), "no answer".into())
            }
            (None, _) | (_, Some(DialStep::Tls | DialStep::Upgrade)) => {
                DialError::Timeout(relay.clone().into(), seconds)
            }
            (Some(proxy), _) if is_early => {
                ProxyError::Unreachable(proxy.address().clone(), "no answer".into()).into()
            }
            (Some(proxy), _) => ProxyError::timeout(proxy, relay, seconds).into(),
        }
    }

    /// The look-up, then the steps of one attempt; beside its connection stands what was tried in vain.
    pub(super) fn reports(&self, best: AttemptId) -> Vec<StepReport> {
        let mut reports = vec![self.looking(Ok(()))];
        reports.extend_from_slice(self.traces[best.0].reports());
        let mut others = Destination::from(self.line.relay.clone());
        for (_, trace) in self.traces.iter().enumerate().filter(|(number, _)| *number != best.0) {
            others.add(trace.route, &trace.problem());
        }
        let tcp = reports.iter_mut().find(|report| report.step == DialStep::Tcp && report.ok);
        if let (Some(report), true) = (tcp, self.traces.len() > 1) {
            report.detail.push_str(&others.all());
        }
        reports
    }

    pub(super) fn looking(&self, outcome: Result<(), &DialError>) -> StepReport {
        let took = self.looked_up.unwrap_or_else(|| self.begun.elapsed());
        let (ok, detail) = match outcome {
            Ok(()) => {
                let shown = self.race.addresses().iter().map(|address| address.ip().to_string());
                (true, shown.collect::<Vec<_>>().join(", "))
            }
            Err(error) => (false, error.to_string()),
        };
        StepReport { step: DialStep::Resolve, took, detail, ok }
    }
}

/// How much of the dialling is settled by an error in a step.
pub(super) fn setback(step: Option<DialStep>, error: &DialError) -> Setback {
    match (step, error) {
        (Some(DialStep::Tls), DialError::Tls(..)) => Setback::Hello,
        (_, DialError::Refused { .. } | DialError::Version { .. }) => Setback::Everything,
        (_, DialError::Answered(_, answer)) if !answer.is_anothers_chance() => Setback::Everything,
        (_, DialError::Proxy(error)) if error.is_final() => Setback::Everything,
        _ => Setback::Address,
    }
}

pub(super) fn tls_version(stream: &TlsStream<TcpStream>, route: Route) -> String {
    let version = match stream.get_ref().1.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3".to_owned(),
        other => format!("{other:?}"),
    };
    match route.hello {
        Hello::Hybrid => version,
        Hello::Classical => format!("{version}, small hello"),
    }
}
