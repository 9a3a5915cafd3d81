//! Named operations of the scanner's: what must not be cut in half.
//!
//! An operation is a unit of the maker's, outside every session, whose main process is `fieldlink-operation` (crate
//! `fieldlink-operation`). An engineer starts one through an SSH channel ([`mod@service`]): the client says yes (`rules`), the
//! file comes ([`mod@file`]), the unit gets both through its socket ([`mod@start`]). From then on nothing of ours keeps it alive:
//! how far it is stands in its record, which is read until it is over ([`mod@follow`]), also by an agent that was started anew.

mod file;
mod follow;
mod service;
mod start;

use std::path::Path;

use fieldlink_operation::record::{self, Records};

pub(crate) use follow::{Follower, OperationEvent, Update};
pub(crate) use service::{OperationRequest, OperationService, QUEUE, Refused};
pub(crate) use start::{NotStarted, Startable, start};

use crate::config::{Config, Operation};

/// The operations of this scanner, and where the record of the latest is.
#[derive(Debug, Clone)]
pub struct Operations {
    list: Vec<Operation>,
    records: Records,
}

impl Operations {
    /// As `config` says.
    pub fn new(config: &Config) -> Self {
        let records = config.operation_records.as_deref().unwrap_or(Path::new(record::DIRECTORY));
        Self { list: config.operation.clone(), records: Records::at(records) }
    }

    /// All of them.
    pub(crate) fn list(&self) -> &[Operation] {
        &self.list
    }

    /// The one that has this name.
    pub(crate) fn named(&self, name: &str) -> Option<&Operation> {
        self.list.iter().find(|operation| operation.name == name)
    }

    /// The record of the latest.
    pub(crate) fn records(&self) -> &Records {
        &self.records
    }
}
