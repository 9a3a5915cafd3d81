//! The engineer's side of Fieldlink, as a library for its one program, `fieldlink-connect`.
//!
//! The program pairs with a scanner by support ID and PIN, holds the session, and lets the
//! engineer's own OpenSSH tools use it: each of their connections is a pipe of its own through the
//! relay, encrypted end to end.
//!
//! | module | is |
//! |---|---|
//! | [`args`], [`commands`], [`exit`] | the command line, what each command does, how it ends |
//! | [`end`] | how a session ended, and whose word that is |
//! | [`directories`], [`config`], [`credential_store`], [`guesses`] | what is kept between runs |
//! | [`context`], [`call`] | what is at hand before a call, and the call |
//! | [`runtime_dir`], [`ssh_config`], [`ssh_key`], [`ssh_client`], [`ssh_child`] | what ssh needs, for as long as a session lives |
//! | [`rehearsal`] | whether it works on this computer, before the scanner is called |
//! | [`front`], [`holder`] | the two processes of a session: the terminal's, and the one that lasts |
//! | [`relay_session`], [`pairing`], [`control`] | the three conversations of a session |
//! | [`session`] | ties them together, from the dial to the end |
//! | [`local_socket`], [`pipe_copy`] | how other programs on this computer use the session |
//! | `runbook_file` | the runbook that is gone through in a session |
//! | [`dialogue`] | what engineer and client say to each other |
//! | [`progress`], [`budget`], [`pin_entry`] | what the engineer sees and types |
//! | `words` | every sentence that the engineer reads, from `locales/en.ftl` |
//! | [`platform`] | all that depends on the operating system |

mod anchors;
pub mod args;
mod budget;
mod call;
mod certificate;
pub mod commands;
mod config;
mod context;
mod control;
mod credential_store;
mod dialogue;
mod directories;
mod end;
mod exit;
mod front;
mod front_link;
mod guesses;
mod health;
mod holder;
mod invitation;
mod local_socket;
pub mod moment;
mod own_program;
mod pairing;
mod people;
mod pin_entry;
mod pipe_copy;
mod platform;
mod printing;
mod private_file;
mod progress;
mod rehearsal;
mod relay_session;
mod reports;
mod restart;
mod runbook_file;
mod runtime_dir;
mod session;
mod ssh_child;
mod ssh_client;
mod ssh_config;
mod ssh_key;
mod viewing;
mod watching;
mod words;
