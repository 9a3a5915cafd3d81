//! Asks a proxy to connect to the relay (`CONNECT`, RFC 9110 section 9.3.6).

use fieldlink_protocol::text;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use zeroize::Zeroizing;

use super::address::host_and_port;
use super::{Proxy, ProxyError, ProxyReply, ProxyReplyReader};
use crate::RelayAddress;

/// Bytes of an answer that are read at once.
const PIECE: usize = 1024;

/// Has `proxy`, at the other end of `stream`, connect to `relay`. The caller sets the time-out.
pub(crate) async fn open<S>(stream: &mut S, proxy: &Proxy, relay: &RelayAddress) -> Result<(), ProxyError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let target = host_and_port(relay.host(), relay.port());
    let broken = |error: std::io::Error| {
        ProxyError::Unreachable(proxy.address().clone(), text::sentence(&error.to_string()))
    };
    stream.write_all(request(proxy, &target).as_bytes()).await.map_err(broken)?;
    let mut reader = ProxyReplyReader::default();
    let mut piece = [0; PIECE];
    loop {
        let count = stream.read(&mut piece).await.map_err(broken)?;
        if count == 0 {
            let problem =
                if reader.is_empty() { "it hangs up without an answer" } else { "its answer is cut off" };
            return Err(ProxyError::NotAProxy(proxy.address().clone(), problem.into()));
        }
        match reader.push(&piece[..count]) {
            Ok(None) => {}
            Ok(Some(reply)) => return judge(reply, proxy, target),
            Err(error) => return Err(ProxyError::NotAProxy(proxy.address().clone(), error.to_string())),
        }
    }
}

/// Nothing in it but where to and, if there is one, the password.
fn request(proxy: &Proxy, target: &str) -> Zeroizing<String> {
    let authorization = proxy.authorization();
    let authorization = authorization.as_deref().map_or("", String::as_str);
    let (name, end) = if authorization.is_empty() { ("", "") } else { ("Proxy-Authorization: ", "\r\n") };
    let start = ["CONNECT ", target, " HTTP/1.1\r\nHost: ", target, "\r\nUser-Agent: fieldlink\r\n"];
    // concat() reserves the whole length first, so that no copy of the password is left behind.
    Zeroizing::new([start.concat().as_str(), name, authorization, end, "\r\n"].concat())
}

fn judge(reply: ProxyReply, proxy: &Proxy, target: String) -> Result<(), ProxyError> {
    let address = proxy.address().clone();
    Err(match reply.status {
        // TLS has not begun: a proxy that sends bytes already is no tunnel.
        200..=299 if reply.has_more => {
            ProxyError::NotAProxy(address, "it sends a page where a connection should begin".into())
        }
        200..=299 => return Ok(()),
        401 | 407 if reply.takes_basic == Some(false) => ProxyError::SignInUnsupported(address),
        401 | 407 if proxy.has_credentials() => ProxyError::CredentialsRefused(address),
        401 | 407 => ProxyError::CredentialsWanted(address),
        403 => ProxyError::Forbidden { proxy: address, target },
        // 500 is what tinyproxy says of every such relay, and squid of a name that is unknown.
        status @ (500 | 502..=504) => ProxyError::CannotReach { proxy: address, target, status },
        status => ProxyError::Refused { proxy: address, target, status },
    })
}
