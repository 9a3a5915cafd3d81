//! What an engineer has at hand before a call: who they are, where the relay is, what was tried.

use std::path::PathBuf;

use fieldlink_protocol::credential::Credential;
use fieldlink_transport::{Dialer, PipeLimits};

use crate::anchors::AnchorBook;
use crate::certificate::OwnCertificate;
use crate::config::{Config, Directories};
use crate::credential_store::CredentialStore;
use crate::exit::Failure;
use crate::guesses::Guesses;
use crate::relay_session::Resumable;
use crate::reports::ReportShelf;
use crate::runtime_dir::RuntimeDirectory;

/// Everything that a call needs and that is the same for every call.
pub(crate) struct CallContext {
    /// Who we are.
    pub credential: Credential,
    /// The file with what proves it to a scanner, if there is one.
    pub certificate: Option<PathBuf>,
    /// How the relay is dialled.
    pub dialer: Dialer,
    /// The bounds of every pipe.
    pub bounds: PipeLimits,
    /// What the relay has signed of sessions.
    pub anchors: AnchorBook,
    /// Where reports go, unless they are not wanted.
    pub reports: Option<ReportSettings>,
    /// Wrong PINs of the last hour.
    pub guesses: Guesses,
    /// The sessions that are open.
    pub runtime: RuntimeDirectory,
}

/// How reports are fetched.
#[derive(Debug, Clone)]
pub(crate) struct ReportSettings {
    /// Where they go.
    pub shelf: ReportShelf,
    /// In which language (BCP 47); none: the scanner's.
    pub language: Option<String>,
}

impl ReportSettings {
    /// None, if they are not wanted. What was kept for long enough goes in either case.
    pub(crate) fn of(config: &Config, directories: &Directories) -> Option<Self> {
        let shelf = ReportShelf::new(&directories.state);
        shelf.tidy();
        config.fetch_reports.then(|| Self { shelf, language: config.report_language.clone() })
    }
}

impl CallContext {
    /// Reads what `login` stored.
    pub(crate) fn load(directories: &Directories) -> Result<Self, Failure> {
        directories.config.check()?;
        let config = Config::load(&directories.config)?;
        let credential = CredentialStore::new(&directories.config).load()?;
        directories.state.create()?;
        Ok(Self {
            credential,
            dialer: config.dialer()?,
            bounds: config.pipe_limits()?,
            anchors: AnchorBook::new(&directories.state, config.trusted_anchor_keys()?),
            reports: ReportSettings::of(&config, directories),
            certificate: config.certificate,
            guesses: Guesses::new(&directories.state),
            runtime: RuntimeDirectory::open(&directories.runtime)?,
        })
    }

    /// The engineer's certificate as it is now, if they have one.
    pub(crate) fn own_certificate(&self) -> Result<Option<OwnCertificate>, Failure> {
        self.certificate.as_deref().map(OwnCertificate::load).transpose()
    }

    /// How to come back to a session.
    pub(crate) fn resumable(&self) -> Resumable {
        let (dialer, credential) = (self.dialer.clone(), self.credential.clone());
        Resumable { dialer, credential, anchors: self.anchors.clone() }
    }
}
