//! A relay that is full may have room a moment later.

use fieldlink_protocol::limits;
use tokio::time::{Instant, sleep};

use super::{Backoff, DialError};

/// Dials until there is room at the relay, for [`limits::HANDSHAKE`] at most after the first refusal.
pub async fn when_there_is_room<T, F>(mut dial: impl FnMut() -> F) -> Result<T, DialError>
where
    F: Future<Output = Result<T, DialError>>,
{
    let mut backoff = Backoff::new(limits::PIPE_RETRY_MAX);
    backoff.skip(limits::PIPE_RETRY);
    let mut until = None;
    loop {
        match dial().await {
            Err(error) if error.is_for_want_of_room() => {
                if Instant::now() >= *until.get_or_insert_with(|| Instant::now() + limits::HANDSHAKE) {
                    return Err(error);
                }
                sleep(backoff.next_delay()).await;
            }
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn refused(code: &str) -> DialError {
        DialError::Refused {
            relay: "wss://relay.example.com".parse().expect("an address"),
            code: code.into(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn full_passes_or_is_the_answer_in_the_end_and_nothing_else_is_tried_again() {
        let tries = Cell::new(0);
        let dial = || {
            let outcome = if tries.replace(tries.get() + 1) < 3 { Err(refused("full")) } else { Ok(()) };
            async { outcome }
        };
        when_there_is_room(dial).await.expect("room at last");
        assert_eq!(tries.get(), 4);
        let began = Instant::now();
        assert!(when_there_is_room(|| async { Err::<(), _>(refused("full")) }).await.is_err());
        assert!(began.elapsed() >= limits::HANDSHAKE && began.elapsed() < limits::HANDSHAKE * 2);
        let began = Instant::now();
        assert!(when_there_is_room(|| async { Err::<(), _>(refused("credential")) }).await.is_err());
        assert_eq!(began.elapsed(), std::time::Duration::ZERO);
    }
}
