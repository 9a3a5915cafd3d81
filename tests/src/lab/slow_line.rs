//! A line that takes its time: two TUN devices, and a program that carries packets from one to the
//! other, late. (This kernel-independent way stands in for netem, which not every kernel has.)
//!
//! The program is [`run`] in a process of its own, so that a busy test does not add to the delay, and
//! ends when its standard input closes, so that it outlives no test.

use std::fs::File;
use std::io::{Read, Write};
use std::process::Command;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use fieldlink_testbed::namespace::must;

use super::Plug;
use crate::programs::{Running, path_of};

/// Packets that one direction holds; further ones are lost, as in any router.
const QUEUE: usize = 20_000;
const PACKET: usize = 64 * 1024;

/// Starts the program for two plugs, and waits until the line stands.
pub(super) fn start(
    prefix: &str,
    number: usize,
    plugs: [Plug<'_>; 2],
    delay: Duration,
    loss: u32,
) -> Running {
    let mut command = Command::new(path_of("delay"));
    command.args([delay.as_micros().to_string(), loss.to_string()]);
    for (plug, side) in plugs.iter().zip(["a", "b"]) {
        // Until it is moved, the device needs a name of its own among all on this machine.
        let passing = format!("{prefix}{number}{side}");
        command.args([&passing, plug.host.name(), plug.device, plug.address]);
    }
    let mut running = Running::start("the slow line", &mut command);
    running.wait_for("the line stands");
    running
}

/// One end, as the program reads it from its arguments.
struct End {
    passing: String,
    namespace: String,
    device: String,
    address: String,
}

/// The program: microseconds of delay, percent of loss, and for each end a passing name for the device,
/// a namespace, the name of the device there, and its address.
pub fn run(mut arguments: impl Iterator<Item = String>) {
    let mut next = || arguments.next().expect("DELAY LOSS and twice PASSING NAMESPACE DEVICE ADDRESS");
    let delay = Duration::from_micros(next().parse().expect("microseconds"));
    let loss: u64 = next().parse().expect("percent");
    let [one, other] =
        [(); 2].map(|()| open(&End { passing: next(), namespace: next(), device: next(), address: next() }));
    let copy = |file: &File| file.try_clone().expect("descriptors are left");
    for (from, to, seed) in [(copy(&one), copy(&other), 1), (other, one, 2)] {
        let (sender, receiver) = sync_channel(QUEUE);
        std::thread::spawn(move || take_in(from, &sender, (delay, loss), seed));
        std::thread::spawn(move || hand_out(&receiver, to));
    }
    println!("the line stands");
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
}

fn open(end: &End) -> File {
    let file = crate::tun::open(&end.passing).expect("root may make TUN devices");
    let ip = |arguments: String| must(Command::new("ip").args(arguments.split(' ')));
    let End { passing, namespace, device, address } = end;
    ip(format!("link set {passing} netns {namespace} name {device}"));
    ip(format!("-n {namespace} link set {device} txqueuelen 10000"));
    ip(format!("-n {namespace} address add {address} dev {device}"));
    ip(format!("-n {namespace} link set {device} up"));
    file
}

type Packet = (Instant, Vec<u8>);

fn take_in(mut from: File, queue: &SyncSender<Packet>, (delay, loss): (Duration, u64), mut random: u64) {
    let mut buffer = vec![0; PACKET];
    // A device that went with its namespace ends the line.
    while let Ok(count) = from.read(&mut buffer) {
        random = step(random);
        if random >> 33 < (loss << 31) / 100 {
            continue;
        }
        let _ = queue.try_send((Instant::now() + delay, buffer[..count].to_vec()));
    }
}

fn hand_out(queue: &Receiver<Packet>, mut to: File) {
    while let Ok((due, packet)) = queue.recv() {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        // Fails while the device is down; the packet is lost then.
        let _ = to.write_all(&packet);
    }
}

/// Knuth's linear congruential generator: the same packets are lost every time.
fn step(random: u64) -> u64 {
    random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407)
}
