//! Why the agent does not do what it is asked on the bus. The name of the error says it; the text beside it is for
//! those who write programs.

/// What kind of error it is, for those who do not tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// The sender may not do this.
    NotPermitted,
    /// The question that is answered is not open any more.
    Stale,
    /// It does not fit the state of things.
    NotNow,
    /// An argument cannot be used.
    InvalidArgument,
    /// Too many ask at the same time.
    Busy,
}

macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident: $class:ident = $message:literal, $text:literal;)*) => {
        /// An error, as its name on the bus says.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
        }

        impl ErrorCode {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name on the bus.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => concat!("com.navvis.Fieldlink1.Error.", stringify!($name)),)* }
            }

            /// What kind it is.
            pub fn class(self) -> ErrorClass {
                match self { $(Self::$name => ErrorClass::$class,)* }
            }

            /// The message that says it to the person beside the device.
            pub(crate) fn message(self) -> &'static str {
                match self { $(Self::$name => $message,)* }
            }

            /// What programmers read.
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

errors! {
    /// An engineer's program asks.
    SupportEngineer: NotPermitted = "failed-engineer", "the sender works for the support engineer";
    /// polkit says no.
    NotActive: NotPermitted = "failed-not-active", "polkit does not permit it: only an active local user may";
    /// A call that wants no answer.
    Unanswerable: NotPermitted = "failed-unanswerable", "a call that wants no answer is not carried out";
    /// Nobody can say who asks.
    UnknownSender: NotPermitted = "failed-unknown-sender", "it could not be found out who asks";
    /// Too many calls are judged at the same time.
    TooManyCalls: Busy = "failed-too-many", "too many calls at the same time";
    /// A report is being made.
    ReportRuns: Busy = "failed-report-busy", "a report is being made already";
    /// The network is being checked.
    CheckRuns: Busy = "failed-network-busy", "the network is being checked already";
    /// The device's health is being collected.
    HealthRuns: Busy = "failed-health-busy", "the health is being collected already";
    /// A diagnosis is being collected.
    DiagnosisRuns: Busy = "failed-diagnosis-busy", "a diagnosis is being collected already";
    /// Nothing collects diagnoses here.
    NoDiagnosis: NotNow = "failed-no-diagnosis", "fieldlink-diagnose.socket does not answer";
    /// The question is not open.
    QuestionNotOpen: Stale = "failed-stale-question", "that question is not open";
    /// The answer does not fit the question.
    AnswerDoesNotFit: Stale = "failed-unfit-answer", "that is no answer to this question";
    /// Nobody joins or watches by that name.
    Nobody: Stale = "failed-nobody", "nobody by that name joins or watches";
    /// No verdict is asked for.
    NoVerdict: Stale = "failed-no-verdict", "no verdict is asked for, or not on that session";
    /// Remote access is on.
    AlreadyOn: NotNow = "failed-already-on", "remote access is on";
    /// Remote access is off.
    AlreadyOff: NotNow = "failed-already-off", "remote access is off";
    /// Two hours are the most.
    LongestReached: NotNow = "failed-longest", "the session cannot be made longer";
    /// Nobody is connected.
    NoSession: NotNow = "failed-no-engineer", "no engineer is connected";
    /// Too much waits for the connection.
    TooMuchWaits: NotNow = "failed-not-taken", "the engineer is out of reach, and too much waits already";
    /// The engineer's program is too old for chat.
    NoChat: NotNow = "failed-no-chat", "the engineer's program has no chat";
    /// The agent stops.
    Stopping: NotNow = "failed-stopping", "the agent is stopping";
    /// There is no pair, because it is off.
    NoCredentials: NotNow = "failed-off", "there are no credentials: remote access is off";
    /// There is no pair yet.
    CredentialsNotYet: NotNow = "failed-no-credentials-yet", "there are no credentials before the relay knows of them";
    /// There is no pair any more.
    CredentialsUsed: NotNow = "failed-credentials-used", "the credentials are used up";
    /// So many watch already.
    TooManyWatch: Busy = "failed-too-many-watch", "too many watch the session already";
    /// The check of the network took too long.
    CheckTooSlow: NotNow = "failed-network-slow", "checking the network took too long";
    /// There is no such record, or no such file in it.
    NoRecord: NotNow = "failed-no-record", "there is no record of that session, or no such file in it";
    /// There are no records here.
    NotRecorded: NotNow = "failed-not-recorded", "this device does not record sessions";
    /// The session runs, or goes on after a restart.
    RecordOpen: NotNow = "failed-record-open", "the session of that record is not over";
    /// What goes only while it is off.
    NotOff: NotNow = "failed-not-off", "remote access is not off";
    /// The disk fails.
    RecordsUnusable: NotNow = "failed-records", "the disk does not give the record, or does not let it go";
    /// The call, or a text in it, is too long.
    TooLong: InvalidArgument = "failed-too-long", "the call is too long";
    /// An argument cannot be used.
    InvalidArgument: InvalidArgument = "failed-argument", "an argument cannot be used";
}

impl ErrorCode {
    /// The error of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }
}
