//! End-to-end tests: real programs, real sockets, the stock OpenSSH client.

mod dialling;
mod ending;
mod errors;
mod files;
mod forwards;
mod guessing;
mod hostile_relay;
mod registration;
mod shell;
mod stalls;
