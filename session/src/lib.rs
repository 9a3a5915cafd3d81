//! The program `fieldlink-session`, and the messages between it and the agent.
//!
//! [`wire`] and [`packet`] are what goes over the socket between the two: typed messages, each in one packet,
//! with descriptors beside them. [`host`] is the program's inside; the agent's side of the socket is the agent's
//! own `session_process`. [`descendants`] and [`own_addresses`] answer questions to the kernel that both sides
//! ask. All unsafe calls of Fieldlink are in [`sys`].

pub mod descendants;
pub mod host;
pub mod own_addresses;
pub mod packet;
pub mod sys;
pub mod wire;
