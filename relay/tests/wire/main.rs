//! The relay from outside: real sockets, and peers that speak its wire, also those that should not be let.

mod anchors;
mod bounds;
mod certificates;
mod closing;
mod early;
mod hello;
mod leases;
mod measure;
mod memory;
mod operation;
mod pace;
mod pairing_again;
mod places;
mod registration;
mod restart;
mod resuming;
mod returning;
mod sessions;
mod spare;
mod storage;
mod strangers;
mod support;
mod tickets;
mod time_stamps;
