//! Diagnoses of the device, for the person beside it.

use std::os::fd::OwnedFd as StandardFd;

use fieldlink_device::bus::{Caller, DiagnosticsMethods, DiagnosticsProperties, ErrorCode};
use fieldlink_diagnosis::DiagnosticsSettings;
use zbus::OwnedFd;

use super::Object;
use crate::diagnosis::NotCollected;
use crate::service::action::Action;
use crate::service::error::Error;

impl DiagnosticsMethods for Object {
    type Error = Error;

    fn properties(&self) -> DiagnosticsProperties {
        let DiagnosticsSettings { units, files, .. } = self.diagnoses.settings.clone();
        DiagnosticsProperties { units, files }
    }

    async fn collect(&self, caller: Caller<'_>) -> Result<OwnedFd, Error> {
        self.permit(caller, Action::Diagnose).await?;
        let network = self.view.borrow().status.network.code();
        let stream = self.diagnoses.collect(network).await.map_err(|error| match error {
            NotCollected::Busy => ErrorCode::DiagnosisRuns,
            NotCollected::Socket(_) | NotCollected::Silent(_) => ErrorCode::NoDiagnosis,
        })?;
        let stream = stream.into_std().map_err(|_| ErrorCode::NoDiagnosis)?;
        Ok(StandardFd::from(stream).into())
    }
}
