//! End-to-end tests: real programs, real sockets, the stock OpenSSH client.

mod accounts;
mod channels;
mod clock;
mod crossing;
mod demo;
mod dialling;
mod ending;
mod engineers_terminal;
mod errors;
mod files;
mod flooding;
mod foreign_text;
mod forwards;
mod guessing;
mod hostile_relay;
mod network_lab;
mod proxies;
mod registration;
mod resuming;
mod service;
mod shell;
mod stalls;
mod talking;
mod upgrading;
