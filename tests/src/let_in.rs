//! An engineer's program that is let in where the PIN is consent enough, without an SSH client.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fieldlink_protocol::feature;
use fieldlink_protocol::messages::control::FromEngineer;
use fieldlink_protocol::messages::engineer::ToEngineer;
use fieldlink_protocol::messages::{Features, encode};
use fieldlink_protocol::pairing::{EngineerLogin, PairingMessage};
use fieldlink_protocol::pin::Pin;
use fieldlink_protocol::pipe::{PipeKind, Role, Side};
use fieldlink_protocol::seal::Sealer;
use fieldlink_protocol::support_id::SupportId;
use fieldlink_transport::{PipeEnd, PipeLimits, PipeWriter};
use tokio::io::AsyncWriteExt;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::raw::{RawEngineer, within};

/// An ed25519 key in OpenSSH's format; its other half is not needed.
fn ssh_key() -> String {
    let mut blob = Vec::new();
    for part in [b"ssh-ed25519".as_slice(), &[0x58; 32]] {
        blob.extend_from_slice(&(part.len() as u32).to_be_bytes());
        blob.extend_from_slice(part);
    }
    format!("ssh-ed25519 {}", BASE64_STANDARD.encode(blob))
}

/// See the module.
pub struct LetIn {
    /// The connection to the relay.
    pub engineer: RawEngineer,
    /// Seals what is said on the control pipe.
    pub sealer: Sealer,
    /// The control pipe.
    pub writer: PipeWriter,
    /// Reads it, and throws away what is said.
    pub reading: JoinHandle<()>,
    /// Moves it.
    pub driving: JoinHandle<PipeEnd>,
}

impl LetIn {
    /// With the right PIN, where that is consent enough.
    pub async fn pair(mut engineer: RawEngineer, support_id: SupportId, pin: &str) -> Self {
        let requested = engineer.request(support_id).await.expect("there");
        let mut attached = engineer.attach(&requested.pipe_ticket).await.expect("attached");
        let (login, ke1) = EngineerLogin::start(&Pin::parse(pin).expect("four digits")).expect("a login");
        attached
            .send(PairingMessage::Start { ke1, proof: bytes::Bytes::new() }.encode())
            .await
            .expect("sent");
        let answer = within(attached.receive()).await.expect("an answer");
        let Ok(PairingMessage::Response(ke2)) = PairingMessage::decode(&answer) else { panic!("no answer") };
        let context = engineer.context(support_id, &requested);
        let (keys, ke3) = login.finish(&ke2, &context).expect("the right PIN");
        attached.send(PairingMessage::Finish(ke3).encode()).await.expect("sent");
        let (kind, pipe) = (PipeKind::Control, requested.pipe);
        let side = Side { role: Role::Engineer, pipe, kind, key: keys.pipe_key(pipe, kind) };
        let (mut reader, mut writer, driver) =
            attached.establish(side, PipeLimits::default()).await.expect("proven");
        let driving = tokio::spawn(driver.run(CancellationToken::new(), String::new));
        let reading = tokio::spawn(async move { while reader.next().await.is_some() {} });
        let (session, run) = (requested.session, requested.run);
        let mut sealer = Sealer::new(&keys.engineer_to_agent, session, run, Role::Engineer);
        let hello = FromEngineer::Hello {
            ssh_key: ssh_key(),
            software: "raw".into(),
            // It fetches no report.
            features: Features::ours().without(feature::REPORT),
            observes: false,
        };
        let sealed = sealer.seal(encode(&hello).as_bytes()).expect("fits");
        writer.write_all(&sealed).await.expect("sent");
        within(async {
            while !matches!(engineer.relay.next().await, Ok(ToEngineer::SessionTicket { .. })) {}
        })
        .await;
        Self { engineer, sealer, writer, reading, driving }
    }
}
