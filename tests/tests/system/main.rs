//! The system tests: a scanner and a relay that boot a real systemd, with the packages as they are shipped,
//! the real bus, the real logind and the real polkit.

mod boot;
mod call;
mod certificates;
mod container;
mod diagnosis;
mod disk;
mod ending;
mod examples;
mod flooding;
mod health;
mod leftovers;
mod operations;
mod package_states;
mod packages;
mod platform;
mod readme;
mod records;
mod refused;
mod restarting;
mod runbooks;
mod second_version;
mod secrets;
mod store_versions;
mod upgrade;
mod watching;
