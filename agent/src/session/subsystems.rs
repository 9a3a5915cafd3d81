//! The SSH subsystems that the agent serves itself.

use fieldlink_ssh::{SubsystemName, Subsystems};
use futures_util::future::BoxFuture;
use tokio::net::unix::pipe;

use crate::diagnosis::DiagnosisService;
use crate::health::HealthService;
use crate::operation::OperationService;

/// All of them, for one session.
pub(crate) struct OwnSubsystems {
    /// Named operations.
    pub(crate) operations: OperationService,
    /// The device's health.
    pub(crate) health: HealthService,
    /// Diagnoses of the device.
    pub(crate) diagnoses: DiagnosisService,
}

impl Subsystems for OwnSubsystems {
    fn serve(
        &self,
        name: SubsystemName,
        input: pipe::Receiver,
        output: pipe::Sender,
    ) -> BoxFuture<'static, u8> {
        match name {
            SubsystemName::Operation => self.operations.serve(input, output),
            SubsystemName::Health => self.health.serve(input, output),
            SubsystemName::Diagnosis => self.diagnoses.serve(input, output),
        }
    }
}
