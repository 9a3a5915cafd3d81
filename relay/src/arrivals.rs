//! Connections in their handshake. When there are too many, one is dropped for a new one: the oldest of the network
//! that has most of them, if it is silent or slow, or if that network has many more than the new one's.
//!
//! Otherwise connections that make progress are kept: after a restart of the relay thousands come at once, and
//! dropping the oldest of those would let none of them finish. Those of the smallest networks finish first then.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::permits::network;

/// Handshakes at the same time. An honest one takes a few round trips.
pub const MOST: usize = 2_048;
/// A connection that has sent nothing for this long may be dropped.
const SILENT: Duration = Duration::from_secs(1);
/// A handshake that takes longer than this may be dropped.
const SLOW: Duration = Duration::from_secs(5);
/// A network with fewer connections than this owes others nothing.
const CROWD: usize = 8;
/// A crowd so many times as large as the newcomer's network makes way for it.
const MANY_TIMES: usize = 2;

/// The handshakes that are under way.
pub struct Arrivals {
    most: usize,
    here: Mutex<Here>,
}

#[derive(Default)]
struct Here {
    next: u64,
    count: usize,
    networks: HashMap<IpAddr, BTreeMap<u64, Guest>>,
}

struct Guest {
    since: Instant,
    is_silent: bool,
    displaced: CancellationToken,
}

/// One connection's handshake, for as long as it lives.
pub struct Arrival {
    network: IpAddr,
    number: u64,
    displaced: CancellationToken,
    arrivals: Arc<Arrivals>,
}

impl Arrivals {
    /// Room for `most` handshakes at the same time.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, here: Mutex::default() })
    }

    /// Takes in a connection from `address`, if there is room, or another connection is dropped for it.
    pub fn enter(self: &Arc<Self>, address: IpAddr, now: Instant) -> Option<Arrival> {
        let network = network(address);
        let mut here = self.here.lock().unwrap_or_else(PoisonError::into_inner);
        if here.count >= self.most {
            here.make_room(network, self.most / 2, now)?;
        }
        let (number, displaced) = (here.next, CancellationToken::new());
        here.next += 1;
        here.count += 1;
        let guest = Guest { since: now, is_silent: true, displaced: displaced.clone() };
        here.networks.entry(network).or_default().insert(number, guest);
        Some(Arrival { network, number, displaced, arrivals: self.clone() })
    }
}

impl Here {
    /// A network with more than `share` connections makes way for other networks in any case.
    fn make_room(&mut self, newcomer: IpAddr, share: usize, now: Instant) -> Option<()> {
        let own = self.networks.get(&newcomer).map_or(0, BTreeMap::len);
        let is_greedy = |network: IpAddr, count: usize| {
            network != newcomer && (count > share || count >= CROWD.max(MANY_TIMES * own))
        };
        let may_go = self.networks.iter().filter_map(|(network, guests)| {
            let (number, oldest) = guests.first_key_value()?;
            let goes = is_greedy(*network, guests.len()) || oldest.is_overdue(now);
            goes.then_some((guests.len(), *network, *number))
        });
        let (_, network, number) = may_go.max()?;
        self.remove(network, number)?.displaced.cancel();
        Some(())
    }

    fn remove(&mut self, network: IpAddr, number: u64) -> Option<Guest> {
        let guests = self.networks.get_mut(&network)?;
        let removed = guests.remove(&number)?;
        self.count -= 1;
        if guests.is_empty() {
            self.networks.remove(&network);
        }
        Some(removed)
    }
}

impl Guest {
    fn is_overdue(&self, now: Instant) -> bool {
        let patience = if self.is_silent { SILENT } else { SLOW };
        now.saturating_duration_since(self.since) >= patience
    }
}

impl Arrival {
    /// The peer has sent its first bytes: it is no longer silent.
    pub fn speaks(&self) {
        let mut here = self.arrivals.here.lock().unwrap_or_else(PoisonError::into_inner);
        let guest = here.networks.get_mut(&self.network).and_then(|guests| guests.get_mut(&self.number));
        if let Some(guest) = guest {
            guest.is_silent = false;
        }
    }

    /// Waits until it has to make way.
    pub async fn displaced(&self) {
        self.displaced.cancelled().await;
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        let mut here = self.arrivals.here.lock().unwrap_or_else(PoisonError::into_inner);
        here.remove(self.network, self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn displaced(arrival: &Arrival) -> bool {
        arrival.displaced.is_cancelled()
    }

    #[test]
    fn who_is_silent_or_slow_makes_way_and_nobody_else() {
        let (arrivals, now) = (Arrivals::new(2), Instant::now());
        let enter = |seconds| arrivals.enter(address(1), now + Duration::from_secs(seconds));
        let (silent, speaking) = (enter(0).expect("room"), enter(0).expect("room"));
        speaking.speaks();
        assert!(enter(0).is_none(), "they have just come");
        let _third = enter(1).expect("the silent one makes way");
        assert!(displaced(&silent) && !displaced(&speaking));
        assert!(enter(4).is_none());
        let _fourth = enter(5).expect("the slow one makes way");
        assert!(displaced(&speaking));
    }

    #[test]
    fn the_oldest_of_the_fullest_network_makes_way_for_other_networks() {
        let (arrivals, now) = (Arrivals::new(4), Instant::now());
        let enter = |last| arrivals.enter(address(last), now);
        let elsewhere = enter(1).expect("room");
        let crowd = [(); 3].map(|()| enter(2).expect("room"));
        assert!(enter(2).is_none(), "not for its own");
        let newest = enter(3).expect("at once");
        assert!(displaced(&crowd[0]) && !displaced(&crowd[1]));
        assert!(enter(4).is_none(), "nobody has more than half any more");
        assert!(!displaced(&elsewhere) && !displaced(&newest));
    }

    #[test]
    fn who_is_through_leaves_room_and_nothing_behind() {
        let (arrivals, now) = (Arrivals::new(1), Instant::now());
        for _ in 0..3 {
            let arrival = arrivals.enter(address(1), now).expect("room");
            arrival.speaks();
        }
        let first = arrivals.enter(address(1), now).expect("room");
        let second = arrivals.enter(address(1), now + SLOW).expect("it makes way");
        drop(first);
        assert!(arrivals.enter(address(1), now + SLOW).is_none(), "the place was given back once");
        drop(second);
        let here = arrivals.here.lock().expect("whole");
        assert!(here.count == 0 && here.networks.is_empty());
    }

    #[test]
    fn a_few_networks_cannot_keep_the_others_out() {
        for networks in [1, 2, 3, 5, 16] {
            let (arrivals, now) = (Arrivals::new(256), Instant::now());
            let crowd = |n: usize| arrivals.enter(address((n % networks) as u8), now);
            let mut crowds: Vec<_> = (0..256).map(|n| crowd(n).expect("room")).collect();
            crowds.iter().for_each(Arrival::speaks);
            // The crowds try again at once, each network as often as a newcomer comes.
            for newcomer in 100..200 {
                let honest = arrivals.enter(address(newcomer), now).expect("a place at once");
                crowds.extend((0..networks).filter_map(crowd));
                assert!(!displaced(&honest), "by those who have many more ({networks} networks)");
            }
        }
    }

    #[test]
    fn an_overdue_connection_makes_way_wherever_it_is() {
        let (arrivals, now) = (Arrivals::new(8), Instant::now());
        let silent = arrivals.enter(address(1), now).expect("room");
        let later = now + SILENT;
        let busy = [2, 2, 2, 2, 4, 4, 4].map(|last| arrivals.enter(address(last), later).expect("room"));
        let _new = arrivals.enter(address(3), later).expect("the silent one makes way");
        assert!(displaced(&silent) && !busy.iter().any(displaced));
    }

    /// Behind networks of one to 400 agents, all of which try at every moment until they are through, which takes
    /// them a few moments of being here.
    #[test]
    fn after_a_restart_everyone_gets_through() {
        const ROUNDS: usize = 4;
        let sizes = [(400, 2), (100, 8), (20, 40), (3, 60), (1, 120)];
        let sizes = sizes.into_iter().flat_map(|(agents, networks)| std::iter::repeat_n(agents, networks));
        let mut outside: Vec<_> =
            sizes.enumerate().flat_map(|(network, agents)| vec![address(network as u8); agents]).collect();
        let (arrivals, mut now, agents) = (Arrivals::new(256), Instant::now(), outside.len());
        let mut inside: Vec<(Arrival, IpAddr, usize)> = Vec::new();
        let mut rounds = 0;
        while !outside.is_empty() || !inside.is_empty() {
            rounds += 1;
            now += SILENT / 10;
            // Not in the same order every time.
            let order = rounds % 7 * outside.len() / 7;
            outside.rotate_left(order);
            for address in std::mem::take(&mut outside) {
                match arrivals.enter(address, now) {
                    Some(arrival) => {
                        arrival.speaks();
                        inside.push((arrival, address, rounds));
                    }
                    None => outside.push(address),
                }
            }
            outside.extend(inside.extract_if(.., |guest| displaced(&guest.0)).map(|(_, address, _)| address));
            inside.retain(|(_, _, since)| rounds - since < ROUNDS);
            assert!(rounds < 4 * ROUNDS * agents / 256, "{} are still outside", outside.len());
        }
    }
}
