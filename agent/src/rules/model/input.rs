//! What can happen, in any order.

use proptest::prelude::*;

use super::people::{PeopleInput, people_input};

/// An input. Numbers choose among what there is.
#[derive(Debug, Clone)]
pub(super) enum Input {
    Order(OrderKind),
    Registered,
    RelayLost,
    IdTaken,
    RelayEnded(u8),
    RelayClosed,
    Pair(u8),
    Charge,
    Verified,
    Failed,
    Greeted,
    Begun,
    Admitted(u8),
    Over(bool),
    Heard,
    LinkDown,
    LinkUp,
    Question(u32, bool),
    Withdrawal(u32),
    /// A function is to be used for which the client has to be asked.
    Use(u8),
    /// Of those that were wanted, one from the end.
    UseDropped(u8),
    /// An operation is to be started; whether the owner has the client asked.
    OperationWanted(bool),
    /// Of those that were wanted, one from the end: it is not any more, or its unit is to start it now.
    OperationDropped(u8),
    OperationStart(u8),
    /// The one that was started, or another, runs, or is over.
    OperationIs(bool, bool),
    /// A restart was agreed to; whether what it takes was written down.
    RestartStored(bool),
    RestartFailed,
    /// The device has restarted, with so many seconds left to the session, and so many for the engineer.
    CarryOn(u16, u16),
    /// The clock was set since.
    LessTime(u16),
    Rejoined,
    /// A quiet period of so many minutes; its end with none.
    Quiet(u32),
    Call,
    /// A runbook, the result of one of its steps, or that it is given up.
    Runbook(u8),
    /// Data costs from now on, or not.
    Metered(bool),
    PastLimit,
    Battery(u8),
    EngineersChat,
    ClientsChat,
    PairAgain(u8),
    NotBelieved(u8, bool),
    Returned,
    Failure,
    People(PeopleInput),
    /// So many seconds pass, in which all is carried out when it is due.
    Pass(u32),
    /// So many seconds pass in which the device sleeps.
    Sleep(u32),
}

#[derive(Debug, Clone)]
pub(super) enum OrderKind {
    Start,
    Stop,
    End,
    Yes,
    No,
    Words,
    /// A yes to a question that is over.
    YesToEarlier,
    Grant(u32),
    Here,
    Verdict(u8),
}

pub(super) fn input() -> impl Strategy<Value = Input> {
    use OrderKind::*;
    let order = prop_oneof![
        8 => Just(Start), 1 => Just(Stop), 1 => Just(End), 16 => Just(Yes), 4 => Just(No), 8 => Just(Words),
        4 => Just(YesToEarlier), 1 => Just(Here), 2 => (1u8..3).prop_map(Verdict), 4 => (1u32..=60).prop_map(Grant),
    ];
    let request = 0u32..3;
    // What ends a session is rare, so that the others meet one.
    let end = prop_oneof![
        Just(Input::IdTaken),
        (1u8..3).prop_map(Input::RelayEnded),
        Just(Input::RelayClosed),
        any::<bool>().prop_map(Input::Over),
        Just(Input::Failure),
        (0u32..9_000).prop_map(Input::Sleep),
    ];
    let pairing = prop_oneof![
        1 => (0u8..8).prop_map(Input::Pair),
        1 => (0u8..8, any::<bool>()).prop_map(|(n, is_replay)| Input::NotBelieved(n, is_replay)),
        3 => Just(Input::Charge),
        3 => Just(Input::Verified),
        1 => Just(Input::Failed),
        2 => Just(Input::Greeted),
        2 => Just(Input::Begun),
        2 => (1u8..3).prop_map(Input::Admitted),
        1 => Just(Input::Registered),
        1 => Just(Input::RelayLost),
    ];
    let session = prop_oneof![
        2 => Just(Input::Heard),
        1 => Just(Input::LinkDown),
        1 => Just(Input::LinkUp),
        4 => (request.clone(), any::<bool>()).prop_map(|(request, is_text)| Input::Question(request, is_text)),
        3 => request.prop_map(Input::Withdrawal),
        3 => (0u8..7).prop_map(Input::Use),
        1 => (0u8..3).prop_map(Input::UseDropped),
        2 => any::<bool>().prop_map(Input::OperationWanted),
        1 => (0u8..3).prop_map(Input::OperationDropped),
        2 => (0u8..2).prop_map(Input::OperationStart),
        1 => any::<(bool, bool)>().prop_map(|(is_ours, is_over)| Input::OperationIs(is_ours, is_over)),
        1 => any::<bool>().prop_map(Input::RestartStored),
        1 => Just(Input::RestartFailed),
        2 => (1u16..4_000, 1u16..900).prop_map(|(left, within)| Input::CarryOn(left, within)),
        1 => (0u16..4_000).prop_map(Input::LessTime),
        2 => Just(Input::Rejoined),
        1 => (0u32..=60).prop_map(Input::Quiet),
        1 => Just(Input::Call),
        3 => (0u8..6).prop_map(Input::Runbook),
        1 => any::<bool>().prop_map(Input::Metered),
        3 => Just(Input::PastLimit),
        1 => (0u8..40).prop_map(Input::Battery),
        1 => Just(Input::EngineersChat),
        1 => Just(Input::ClientsChat),
        1 => (0u8..8).prop_map(Input::PairAgain),
        1 => Just(Input::Returned),
        3 => (0u32..200).prop_map(Input::Pass),
    ];
    let people = people_input().prop_map(Input::People);
    prop_oneof![12 => order.prop_map(Input::Order), 1 => end, 12 => pairing, 24 => session, 16 => people]
}
