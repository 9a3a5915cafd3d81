use proptest::prelude::*;

use super::*;

fn payload(bytes: &[u8]) -> BytesMut {
    let mut frame = BytesMut::zeroed(DATA_HEADER);
    frame.extend_from_slice(bytes);
    frame
}

#[test]
fn liars_are_found_out() {
    let mut stream = Stream::new(100, 100);
    assert_eq!(stream.receive(frame::ack(1)), Err(StreamError::FalseAck(1)));
    assert_eq!(
        stream.receive(frame::data(1, payload(b"x"))),
        Err(StreamError::Gap { offset: 1, expected: 0 })
    );
    assert_eq!(stream.receive(frame::data(0, payload(&[0; 101]))), Err(StreamError::Overrun));
    assert_eq!(stream.receive(frame::fin(5)), Err(StreamError::Gap { offset: 5, expected: 0 }));
    assert_eq!(stream.receive(frame::fin(0)), Ok(Received::End));
    assert!(stream.receive(frame::data(0, payload(b"x"))).is_err());
    assert_eq!(stream.receive(frame::proof(&[0; 32])), Err(StreamError::OutOfTurn));
    assert_eq!(stream.reconnect(1, 0), Err(StreamError::FalseAck(1)));
}

/// One direction between two streams over a link that loses its tail at every cut.
struct Link {
    sender: Stream,
    reader: Stream,
    wire: VecDeque<Bytes>,
    arrived: Vec<u8>,
    untaken: usize,
}

impl Link {
    fn deliver(&mut self) {
        let Some(frame) = self.wire.pop_front() else { return };
        if let Received::Data(bytes) = self.reader.receive(frame).expect("an honest peer") {
            self.untaken += bytes.len();
            self.arrived.extend_from_slice(&bytes);
        }
    }

    fn take(&mut self) {
        self.reader.take(std::mem::take(&mut self.untaken));
        if let Some(ack) = self.reader.acknowledgement() {
            self.sender.receive(ack).expect("an honest peer");
        }
    }

    /// Data of at most `early` bytes goes out before the peer is proven.
    fn cut(&mut self, early: usize) {
        let received = self.reader.received();
        let early = self.sender.early(received, early);
        let known = self.sender.reconnect(received, early.end).expect("an honest peer");
        // The first frame is the acknowledgement of the other direction.
        self.wire = early.frames.into_iter().chain(known.into_iter().skip(1)).collect();
    }
}

proptest! {
    /// Whatever is cut and however slowly the reader takes, every byte arrives once and in
    /// order, and neither side ever holds more than its window.
    #[test]
    fn bytes_arrive_exactly_once_in_order(
        steps in prop::collection::vec((0u8..8, 1usize..40), 1..200),
        window in 16u32..64,
    ) {
        let mut link = Link {
            sender: Stream::new(window, window),
            reader: Stream::new(window, window),
            wire: VecDeque::new(),
            arrived: Vec::new(),
            untaken: 0,
        };
        let mut sent = Vec::new();
        for (step, size) in steps {
            match step {
                0..=3 => {
                    let size = size.min(link.sender.room());
                    if size > 0 {
                        let bytes: Vec<u8> = (0..size).map(|n| (sent.len() + n) as u8).collect();
                        sent.extend_from_slice(&bytes);
                        let frame = link.sender.send(payload(&bytes));
                        link.wire.push_back(frame);
                    }
                }
                4 | 5 => link.deliver(),
                6 => link.take(),
                _ => link.cut(size),
            }
            let held: usize = link.sender.kept.iter().map(|(_, frame)| frame.len() - DATA_HEADER).sum();
            prop_assert!(held <= 2 * window as usize && link.untaken <= window as usize);
        }
        link.cut(0);
        let fin = link.sender.finish();
        link.wire.push_back(fin);
        while !link.wire.is_empty() {
            link.deliver();
        }
        prop_assert_eq!(&link.arrived, &sent);
        prop_assert!(link.reader.peer_finished);
        link.take();
        prop_assert!(!link.sender.has_unacknowledged() && link.sender.kept.is_empty());
    }

    #[test]
    fn hostile_frames_never_panic_or_grow_it(
        frames in prop::collection::vec((0u8..8, any::<u64>(), 0usize..60, any::<bool>()), 0..100),
    ) {
        let mut stream = Stream::new(64, 64);
        for (kind, offset, length, near) in frames {
            let offset = if near { offset % 128 } else { offset };
            let mut bytes = vec![kind];
            bytes.extend_from_slice(&offset.to_be_bytes());
            bytes.resize(9 + length, 0);
            if let Ok(Received::Data(data)) = stream.receive(bytes.into()) {
                prop_assert!(data.len() <= 64);
            }
            prop_assert!(stream.received - stream.taken <= 64);
        }
    }
}
