//! What can be asked of the agent on the bus, and why a caller is refused.

/// What is to be done; polkit has an action for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Switch remote access on.
    Start,
    /// Switch it off, or end a session.
    Stop,
    /// Read support ID and PIN.
    Credentials,
    /// Let an engineer come in, or stay longer when they ask.
    Allow,
    /// Say no to that.
    Refuse,
    /// Give a session more time.
    Extend,
    /// Answer an engineer's question, or say something.
    Answer,
    /// Read the records of sessions.
    ReadRecords,
    /// Delete them.
    DeleteRecords,
    /// Have a diagnosis of the device collected.
    Diagnose,
}

/// Why a caller is refused.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// The support account, or a process of a session.
    #[error("the support engineer cannot do this: it is for the person beside the device")]
    Engineer,
    /// polkit does not authorise the caller.
    #[error("only the person who is logged in at the device can do this")]
    NotActive,
    /// Too many calls are being judged, of this account or of all.
    #[error("too many programs on this device ask at the same time: try again in a moment")]
    Busy,
    /// The call expects no reply, and the bus sets no bound to such calls.
    #[error("a call that wants no answer is not carried out")]
    Unanswerable,
    /// The bus does not know the sender, or polkit does not answer.
    #[error("could not find out who is asking: {0}")]
    Unknown(String),
}

impl Action {
    /// The polkit action that it needs. Refusing needs the same one as allowing.
    pub fn id(self) -> &'static str {
        match self {
            Self::Start => "com.navvis.fieldlink1.start",
            Self::Stop => "com.navvis.fieldlink1.stop",
            Self::Credentials => "com.navvis.fieldlink1.credentials",
            Self::Allow | Self::Refuse => "com.navvis.fieldlink1.allow",
            Self::Extend => "com.navvis.fieldlink1.extend",
            Self::Answer => "com.navvis.fieldlink1.answer",
            Self::ReadRecords => "com.navvis.fieldlink1.read-records",
            Self::DeleteRecords => "com.navvis.fieldlink1.delete-records",
            Self::Diagnose => "com.navvis.fieldlink1.diagnose",
        }
    }

    /// Whether it only ever makes an engineer go.
    pub(super) fn is_stop(self) -> bool {
        matches!(self, Self::Stop | Self::Refuse)
    }
}
