//! The engineers who may ask for devices.

use std::collections::{HashMap, HashSet};

use fieldlink_protocol::credential::EngineerIdentity;
use fieldlink_protocol::ids::EngineerId;
use fieldlink_protocol::secret::equal;

use super::likeness::Likeness;

/// Every engineer who is not revoked.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Roster(HashMap<EngineerId, Entry>);

#[derive(Clone, PartialEq, Eq)]
struct Entry {
    identity: EngineerIdentity,
    secret_hash: [u8; 32],
}

impl Roster {
    /// A roster of these engineers with the hashes of their secrets.
    pub fn new(engineers: impl IntoIterator<Item = (EngineerIdentity, [u8; 32])>) -> Self {
        let entry =
            |(identity, secret_hash): (EngineerIdentity, _)| (identity.id, Entry { identity, secret_hash });
        Self(engineers.into_iter().map(entry).collect())
    }

    /// Without these.
    pub fn without(mut self, engineers: impl Iterator<Item = EngineerId>) -> Self {
        for engineer in engineers {
            self.0.remove(&engineer);
        }
        self
    }

    /// The engineer with this ID and secret. An unknown ID costs the same comparison as a wrong secret.
    pub fn authenticate(&self, id: EngineerId, secret_hash: &[u8; 32]) -> Option<EngineerIdentity> {
        let entry = self.0.get(&id);
        let expected = entry.map_or(&[0; 32], |entry| &entry.secret_hash);
        let matches = equal(expected, secret_hash);
        entry.filter(|_| matches).map(|entry| entry.identity.clone())
    }

    /// The engineers who are called `name`, or something that reads the same, or have that ID.
    pub fn called(&self, name: &str) -> Vec<EngineerIdentity> {
        let (wanted, id) = (Likeness::of(name), name.trim().parse().ok());
        let is_meant = |(known, entry): &(&EngineerId, &Entry)| {
            Some(**known) == id || Likeness::of(&entry.identity.name).is_like(&wanted)
        };
        self.0.iter().filter(is_meant).map(|(_, entry)| entry.identity.clone()).collect()
    }

    /// Whether this engineer may (still) do anything here.
    pub fn contains(&self, id: EngineerId) -> bool {
        self.0.contains_key(&id)
    }

    /// Those of `engineers` who are not on the roster.
    pub fn missing(&self, engineers: HashSet<EngineerId>) -> Vec<EngineerId> {
        engineers.into_iter().filter(|id| !self.contains(*id)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_id_and_secret_together_are_an_engineer() {
        let identity = |name: &str| EngineerIdentity {
            id: EngineerId::random(),
            name: name.into(),
            company: "C".into(),
        };
        let (zoe, max) = (identity("Zoë"), identity("Max"));
        let roster = Roster::new([(zoe.clone(), [1; 32]), (max.clone(), [2; 32])]);
        assert_eq!(roster.authenticate(zoe.id, &[1; 32]), Some(zoe.clone()));
        assert_eq!(roster.authenticate(zoe.id, &[2; 32]), None);
        assert_eq!(roster.authenticate(EngineerId::random(), &[1; 32]), None);
        // What an unknown engineer is compared with is no way in.
        assert_eq!(roster.authenticate(EngineerId::random(), &[0; 32]), None);
        let stranger = EngineerId::random();
        assert_eq!(roster.missing(HashSet::from([zoe.id, stranger])), [stranger]);
    }
}
