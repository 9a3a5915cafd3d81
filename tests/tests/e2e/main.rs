//! End-to-end tests: real programs, real sockets, the stock OpenSSH client.

mod clients;
mod crossing;
mod dialling;
mod ending;
mod entries;
mod errors;
mod files;
mod forwards;
mod guessing;
mod hostile_relay;
mod network_lab;
mod proxies;
mod registration;
mod resuming;
mod service;
mod shell;
mod ssh_options;
mod stalls;
mod talking;
