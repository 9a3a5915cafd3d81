//! Requests that came before the handshake was over.
//!
//! A side that comes back to a pipe which was spliced before may say so in its first flight, and nobody else anything.
//! It is answered at once, also with the HELLO of a partner that waits. It attaches when its Finished is there: until
//! then it takes nobody's place, no one is asked to attach again because of it, and nothing that it says is read.

use std::io;
use std::net::SocketAddr;

use fieldlink_protocol::endpoint;

use super::visitor::{EARLY_DATA, Peer, PipeVisit, acceptable};
use super::{HandshakeContext, Lifecycle};
use crate::endpoint::pipe;
use crate::http::{self, Head, Refusal};
use crate::socket::{self, Purpose, Tls};
use crate::tls::Early;

impl HandshakeContext {
    /// Answers a head that came early, if it may, and goes on when the handshake is over.
    pub(super) async fn converse_early(
        &self,
        mut early: Early,
        peer: SocketAddr,
    ) -> io::Result<Option<Lifecycle>> {
        let identified = match http::read_head(&mut &early.said[..]).await? {
            Ok(head) => self.identify_early(&head).await,
            Err(refusal) => Err(refusal),
        };
        match identified {
            Ok((mut visit, mut answer)) => {
                tracing::debug!("a side comes back early");
                if let Some((partner, hello)) = self.switchboard.waiting_partner(&visit.ticket) {
                    visit.heard = Some(partner);
                    answer.extend(socket::frame(hello.into_data()));
                }
                early.answer(&answer).await?;
                let tls = early.finish().await?;
                // Only now: whoever has one ticket could hold many places, with flights that are never finished.
                match self.permits.session(visit.ticket.subject) {
                    Some(permit) => {
                        Ok(Some(self.admit(Peer::Pipe(visit), tls, Vec::new(), peer, permit).await))
                    }
                    None => {
                        tracing::debug!("no room for a side that came back early");
                        Ok(Some(self.turn_away(tls).await))
                    }
                }
            }
            Err(refusal) => self.refuse(early.finish().await?, &refusal).await,
        }
    }

    /// With the answer that makes the connection a WebSocket.
    async fn identify_early(&self, head: &Head) -> Result<(PipeVisit, Vec<u8>), Refusal> {
        let is_pipes = head.request.uri().path() == endpoint::PIPE && !head.has(endpoint::ATTACH_HEADER);
        if !is_pipes || !head.tail.is_empty() || head.has(EARLY_DATA) {
            return Err(Refusal::TOO_EARLY);
        }
        let visit = self.identify_side(head).await?;
        acceptable(head)?;
        match self.switchboard.was_spliced(&visit.ticket) {
            true => Ok((visit, head.acceptance()?)),
            false => Err(Refusal::TOO_EARLY),
        }
    }

    /// Asks a side, which was answered already, to come again.
    async fn turn_away(&self, tls: Tls) -> Lifecycle {
        let web_socket = socket::upgrade(tls, Vec::new(), Purpose::Pipe).await;
        Box::pin(pipe::close(web_socket, pipe::again_frame()))
    }
}
