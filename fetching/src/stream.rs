//! Reading what comes of a diagnosis, to its end.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use fieldlink_protocol::limits;
use fieldlink_protocol::messages::{decode, diagnosis::Told};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::place::Place;

/// The longest line, in bytes.
const LONGEST: u64 = limits::CONTROL_MESSAGE as u64 + 1;
const PIECE: usize = 256 * 1024;

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The device collects it: parts.
    Collecting {
        /// So many are done.
        done: u32,
        /// Of so many.
        of: u32,
    },
    /// It is saved here: bytes.
    Saving {
        /// So many are.
        done: u64,
        /// Of so many.
        of: u64,
    },
}

/// Why there is no diagnosis.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Nothing came at all.
    #[error("nothing came")]
    Nothing,
    /// It ended in between.
    #[error("the connection was lost")]
    Lost,
    /// Nothing came for a long time.
    #[error("nothing came for {} s", limits::DIAGNOSIS_PATIENCE.as_secs())]
    Slow,
    /// What came is something else.
    #[error("what came is no diagnosis")]
    Strange,
    /// The device says why.
    #[error("{0}")]
    Told(String),
    /// It cannot be written here; it has so many bytes.
    #[error("could not write it: {error}")]
    Write {
        /// Why.
        error: io::Error,
        /// How long it is.
        bytes: u64,
    },
}

/// Saves what comes in `stream`, and says how far it is. The first of it may take until somebody has agreed; `first` says how
/// long at most. Where it is now; cancelled, or without success, it is nowhere.
pub async fn fetch(
    mut stream: impl AsyncBufRead + Unpin,
    mut place: Place,
    first: Option<Duration>,
    mut tell: impl FnMut(Step),
) -> Result<PathBuf, FetchError> {
    let come = async { stream.fill_buf().await.map(<[u8]>::is_empty) };
    match timeout(first.unwrap_or(Duration::MAX), come).await {
        Ok(Ok(false)) => {}
        Ok(_) => return Err(FetchError::Nothing),
        Err(_) => return Err(FetchError::Slow),
    }
    let (name, bytes) = announced(&mut stream, &mut tell).await?;
    let unwritten = |error| FetchError::Write { error, bytes };
    let mut file = tokio::fs::File::from_std(place.file().map_err(unwritten)?);
    let (mut done, mut piece) = (0, vec![0; PIECE]);
    tell(Step::Saving { done, of: bytes });
    while done < bytes {
        let most = usize::try_from(bytes - done).unwrap_or(PIECE).min(PIECE);
        let read = in_time(stream.read(&mut piece[..most])).await?;
        if read == 0 {
            return Err(FetchError::Lost);
        }
        file.write_all(&piece[..read]).await.map_err(unwritten)?;
        done += read as u64;
        tell(Step::Saving { done, of: bytes });
    }
    file.flush().await.map_err(unwritten)?;
    file.sync_all().await.map_err(unwritten)?;
    drop(file);
    place.keep(&name).map_err(unwritten)
}

/// The name and the length of what comes next.
async fn announced(
    stream: &mut (impl AsyncBufRead + Unpin),
    tell: &mut impl FnMut(Step),
) -> Result<(String, u64), FetchError> {
    loop {
        let mut line = Vec::new();
        if in_time((&mut *stream).take(LONGEST).read_until(b'\n', &mut line)).await? == 0 {
            return Err(FetchError::Lost);
        }
        match decode(line.trim_ascii_end()) {
            Ok(Told::Progress { done, of }) => tell(Step::Collecting { done, of }),
            Ok(Told::Archive { name, bytes }) => return Ok((name, bytes)),
            Ok(Told::Failed { why }) => return Err(FetchError::Told(why)),
            Err(_) => return Err(FetchError::Strange),
        }
    }
}

async fn in_time<T>(reading: impl Future<Output = io::Result<T>>) -> Result<T, FetchError> {
    match timeout(limits::DIAGNOSIS_PATIENCE, reading).await {
        Ok(Ok(read)) => Ok(read),
        Ok(Err(_)) => Err(FetchError::Lost),
        Err(_) => Err(FetchError::Slow),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tokio::io::BufReader;

    use super::*;

    async fn fetched(directory: &Path, said: &[u8]) -> (Result<PathBuf, FetchError>, Vec<Step>) {
        let mut steps = Vec::new();
        let place = Place::open(directory).expect("writable");
        (fetch(said, place, None, |step| steps.push(step)).await, steps)
    }

    #[tokio::test]
    async fn a_diagnosis_is_saved_whole() {
        let directory = tempfile::tempdir().expect("a directory");
        let said = b"{\"type\":\"progress\",\"done\":1,\"of\":2}\n{\"type\":\"archive\",\"name\":\"x.tar.zst\",\"bytes\":4}\nabcdrest";
        let (path, steps) = fetched(directory.path(), said).await;
        assert_eq!(std::fs::read(path.expect("saved")).expect("there"), b"abcd");
        let saving = |done| Step::Saving { done, of: 4 };
        assert_eq!(steps, [Step::Collecting { done: 1, of: 2 }, saving(0), saving(4)]);
    }

    #[tokio::test]
    async fn what_is_no_diagnosis_leaves_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let archive = |bytes: u64| format!("{{\"type\":\"archive\",\"name\":\"x\",\"bytes\":{bytes}}}\n");
        let long = "x".repeat(200_000);
        let cases = [
            (String::new(), "nothing came"),
            ("{\"type\":\"progress\",\"done\":1,\"of\":2}\n".into(), "the connection was lost"),
            (archive(5) + "abcd", "the connection was lost"),
            (archive(limits::DIAGNOSIS + 1), "what came is no diagnosis"),
            ("{\"type\":\"archive\",\"name\":\"../x\",\"bytes\":1}\nx".into(), "what came is no diagnosis"),
            (long, "what came is no diagnosis"),
            ("{\"type\":\"failed\",\"why\":\"there is no room\"}\n".into(), "there is no room"),
        ];
        for (said, why) in cases {
            let (path, _) = fetched(directory.path(), said.as_bytes()).await;
            assert_eq!(path.expect_err(why).to_string(), why);
            assert_eq!(std::fs::read_dir(directory.path()).expect("listed").count(), 0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_stands_still_is_given_up() {
        let directory = tempfile::tempdir().expect("a directory");
        let (_held, silent) = tokio::io::duplex(16);
        let place = Place::open(directory.path()).expect("writable");
        let first = Some(limits::DIAGNOSIS_PATIENCE);
        let fetched = fetch(BufReader::new(silent), place, first, |_| {}).await;
        assert!(matches!(fetched, Err(FetchError::Slow)), "{fetched:?}");
        // Whoever has to be asked has their time, and then it must go on.
        let (mut says, silent) = tokio::io::duplex(64);
        let place = Place::open(directory.path()).expect("writable");
        let asking = async {
            tokio::time::sleep(10 * limits::DIAGNOSIS_PATIENCE).await;
            says.write_all(b"{").await.expect("heard");
            std::future::pending::<()>().await;
        };
        let fetched = tokio::select! {
            fetched = fetch(BufReader::new(silent), place, None, |_| {}) => fetched,
            () = asking => unreachable!(),
        };
        assert!(matches!(fetched, Err(FetchError::Slow)), "{fetched:?}");
    }

    #[tokio::test]
    async fn what_cannot_be_written_is_said_with_what_it_takes() {
        // It takes nothing, ever.
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        let Ok(_) = full else { return };
        let directory = tempfile::tempdir().expect("a directory");
        let mut place = Place::open(directory.path()).expect("writable");
        place.replace_file(full.expect("just seen"));
        let said = b"{\"type\":\"archive\",\"name\":\"x\",\"bytes\":4}\nabcd";
        let fetched = fetch(&said[..], place, None, |_| {}).await;
        let full = |error: &io::Error| error.kind() == io::ErrorKind::StorageFull;
        assert!(matches!(&fetched, Err(FetchError::Write { error, bytes: 4 }) if full(error)), "{fetched:?}");
    }
}
