//! polkit, as far as the agent asks it: whether a caller may do something.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Runtime;
use zbus::Connection;
use zbus::connection::Builder;

use crate::network_lab::Bus;

/// A polkit of a test's own, on its bus. It leaves the bus when it is dropped.
pub struct Polkit {
    asked: Arc<Mutex<Vec<String>>>,
    _connection: Connection,
    _runtime: Runtime,
}

/// Whether they are authorised, whether they could be, and more.
type Verdict = (bool, bool, HashMap<String, String>);

struct Authority {
    asked: Arc<Mutex<Vec<String>>>,
}

#[zbus::interface(name = "org.freedesktop.PolicyKit1.Authority")]
impl Authority {
    /// Everybody may.
    fn check_authorization(
        &self,
        _subject: (String, HashMap<String, zbus::OwnedVariant>),
        action: String,
        _details: HashMap<String, String>,
        _flags: u32,
        _cancellation: String,
    ) -> (Verdict,) {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(action);
        ((true, false, HashMap::new()),)
    }
}

impl Polkit {
    /// One that lets everybody do everything, and notes what it is asked.
    pub fn permitting(bus: &Bus) -> Self {
        let mut threads = tokio::runtime::Builder::new_multi_thread();
        let runtime = threads.worker_threads(1).enable_all().build().expect("a runtime");
        let asked = Arc::default();
        let authority = Authority { asked: Arc::clone(&asked) };
        let connecting = async {
            Builder::address(bus.address().as_str())
                .serve_at("/org/freedesktop/PolicyKit1/Authority", authority)
                .name("org.freedesktop.PolicyKit1")
                .build()
                .await
        };
        let connection = runtime.block_on(connecting).expect("the bus");
        Self { asked, _connection: connection, _runtime: runtime }
    }

    /// The actions that it was asked about since this was called last.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
