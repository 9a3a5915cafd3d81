//! Restarts of the scanner with which a session goes on, from the question to the next one.

use super::{Call, Site};
use crate::PATIENCE;
use crate::programs::eventually;

impl Site {
    /// The engineer asks for a restart, and the client agrees. The engineer has been told so.
    pub fn agree_to_restart(&self, call: &mut Call<'_>, arguments: &[&str]) {
        let kind = if arguments.contains(&"--power") { "power-off" } else { "restart" };
        let mut asking = call.start_connect(&[&["restart"], arguments].concat());
        self.client().watch().until("the client is asked", |status| status["question"]["kind"] == kind);
        self.client().run(&["allow"]);
        asking.wait_for("whether the session goes on");
        assert!(asking.wait_for_end().success());
        call.holder.wait_for("\"state\":\"restarting\"");
    }

    /// Waits until the client is asked whether the session goes on. What they see.
    pub fn wait_until_offered(&self) -> serde_json::Value {
        let client = self.client();
        eventually("the agent is there", PATIENCE, || client.code_of(&["status"]) == Some(0));
        client.watch().until("the client is asked", |status| status["question"]["kind"] == "continue");
        client.status()
    }

    /// The client is asked whether the session goes on, and says so.
    pub fn answer_offer(&self, answer: &str) -> serde_json::Value {
        let status = self.wait_until_offered();
        self.client().run(&[answer]);
        status
    }
}

/// Waits until the engineer's program is back in the session.
pub fn wait_until_back(call: &mut Call<'_>) {
    call.holder.wait_for_within("\"state\":\"active\"", PATIENCE).unwrap_or_else(|| {
        panic!("the engineer is not back:\n{}", call.holder.transcript());
    });
}
