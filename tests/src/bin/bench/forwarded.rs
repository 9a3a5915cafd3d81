//! Throughput of a port that ssh forwards (`-L`): no command at the far end, only what carries its bytes.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Stdio;
use std::thread;
use std::time::Instant;

use fieldlink_tests::PATIENCE;
use fieldlink_tests::programs::{Running, eventually};

use crate::openssh::{self, Way};

const BLOCK: usize = 256 << 10;

/// MiB/s of `bytes` zero bytes through a forwarded port, from or to the far end.
pub(crate) fn rate(ssh: &Way<'_>, bytes: u64, down: bool) -> f64 {
    let far = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let target = far.local_addr().expect("an address");
    let near = openssh::loopback(openssh::free_port());
    let mut command = ssh(&["-N", "-L", &format!("{near}:{target}")]);
    let _forward = Running::start("ssh -L", command.stdin(Stdio::null()));
    // The first connection only sees whether it listens, the second one carries.
    eventually("the port is forwarded", PATIENCE, || TcpStream::connect(near).is_ok());
    let (probe, _) = far.accept().expect("a connection");
    drop(probe);
    let near = TcpStream::connect(near).expect("it listens");
    let (far, _) = far.accept().expect("a connection");
    let (sender, mut receiver) = if down { (far, near) } else { (near, far) };
    let begin = Instant::now();
    let sending = thread::spawn(move || send(sender, bytes));
    let mut buffer = vec![0; BLOCK];
    let mut left = bytes;
    while left > 0 {
        match receiver.read(&mut buffer).expect("readable") {
            0 => break,
            count => left -= count as u64,
        }
    }
    assert_eq!(left, 0, "it all arrived");
    let took = begin.elapsed();
    sending.join().expect("it was sent");
    (bytes >> 20) as f64 / took.as_secs_f64()
}

fn send(mut sender: TcpStream, bytes: u64) {
    let block = vec![0; BLOCK];
    for _ in 0..bytes / BLOCK as u64 {
        sender.write_all(&block).expect("writable");
    }
}
