//! Frames on a byte stream: a length of four bytes, big endian, and as many bytes. Knows nothing of what carries them.
//!
//! A stream begins with the number of its class (one byte). On the stream of class control the greeting follows: 16 random
//! bytes, the same for every connection of one run of a node, and one byte for what this side exchanges with the other.

use std::io;

use noroshi_sync::frame::Class;
use noroshi_sync::limits::FRAME_BYTES_MAX;
use noroshi_sync::store::Scope;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::close::CloseCode;

/// Bytes before each frame.
pub(crate) const LENGTH_BYTES: usize = 4;
/// Names one run of a node, so that a peer knows whether an older connection is of an earlier one.
pub(crate) type Run = [u8; 16];

/// A stream that cannot be read on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StreamError {
    #[error("a frame of {0} bytes")]
    TooLarge(u64),
    #[error("a frame of no bytes")]
    Empty,
    #[error("no class {0}")]
    UnknownClass(u8),
    #[error("no scope {0}")]
    UnknownScope(u8),
    #[error("the stream ended")]
    Ended,
    /// The connection is gone, or the peer reset the stream.
    #[error(transparent)]
    Transport(io::Error),
}

impl StreamError {
    /// The connection is gone, so there is nothing to close.
    pub fn is_lost_connection(&self) -> bool {
        matches!(self, Self::Transport(error) if error.kind() == io::ErrorKind::NotConnected)
    }

    /// With what the connection is closed for it.
    pub fn close_code(&self) -> CloseCode {
        match self {
            Self::TooLarge(_) => CloseCode::TooLarge,
            Self::Empty => CloseCode::Malformed,
            Self::UnknownClass(_) | Self::UnknownScope(_) | Self::Ended | Self::Transport(_) => CloseCode::Protocol,
        }
    }
}

impl From<io::Error> for StreamError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Ended,
            _ => Self::Transport(error),
        }
    }
}

/// What each side says first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Greeting {
    pub run: Run,
    /// As far as this side goes; the lesser of both holds.
    pub scope: Scope,
}

/// The first bytes of a stream of class control.
pub(crate) fn greeting(greeting: &Greeting) -> Vec<u8> {
    let mut bytes = opening(Class::Control);
    bytes.extend_from_slice(&greeting.run);
    bytes.push(match greeting.scope {
        Scope::Everything => 0,
        Scope::LedgerOnly => 1,
    });
    bytes
}

/// The first bytes of any other stream.
pub(crate) fn opening(class: Class) -> Vec<u8> {
    vec![class.number()]
}

pub(crate) async fn read_class<R: AsyncRead + Unpin>(stream: &mut R) -> Result<Class, StreamError> {
    let number = stream.read_u8().await?;
    Class::from_number(number).ok_or(StreamError::UnknownClass(number))
}

/// What follows the class on the stream of class control.
pub(crate) async fn read_greeting<R: AsyncRead + Unpin>(stream: &mut R) -> Result<Greeting, StreamError> {
    let mut run = Run::default();
    stream.read_exact(&mut run).await?;
    let scope = match stream.read_u8().await? {
        0 => Scope::Everything,
        1 => Scope::LedgerOnly,
        other => return Err(StreamError::UnknownScope(other)),
    };
    Ok(Greeting { run, scope })
}

/// Checks the length before it makes room.
pub(crate) async fn read_frame<R: AsyncRead + Unpin>(stream: &mut R) -> Result<Vec<u8>, StreamError> {
    let length = stream.read_u32().await?;
    let length = match usize::try_from(length) {
        Ok(0) => return Err(StreamError::Empty),
        Ok(length) if length <= FRAME_BYTES_MAX => length,
        _ => return Err(StreamError::TooLarge(length.into())),
    };
    let mut frame = vec![0; length];
    stream.read_exact(&mut frame).await?;
    Ok(frame)
}

/// The length that goes before a frame; `None` for one that no peer would take.
pub(crate) fn length_of(frame: &[u8]) -> Option<[u8; LENGTH_BYTES]> {
    let length = u32::try_from(frame.len()).ok()?;
    (1..=FRAME_BYTES_MAX).contains(&frame.len()).then(|| length.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn framed(frame: &[u8]) -> Vec<u8> {
        [length_of(frame).unwrap().as_slice(), frame].concat()
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn frames_come_out_as_they_went_in_up_to_the_limit() {
        let largest = vec![7; FRAME_BYTES_MAX];
        let bytes = [framed(b"a"), framed(&largest), framed(b"bc")].concat();
        let mut stream = bytes.as_slice();
        block_on(async {
            assert_eq!(read_frame(&mut stream).await.unwrap(), b"a");
            assert_eq!(read_frame(&mut stream).await.unwrap(), largest);
            assert_eq!(read_frame(&mut stream).await.unwrap(), b"bc");
            assert!(matches!(read_frame(&mut stream).await, Err(StreamError::Ended)));
        });
    }

    #[test]
    fn lengths_outside_the_limits_are_refused_unread() {
        let too_large = u32::try_from(FRAME_BYTES_MAX + 1).unwrap();
        assert!(length_of(&[]).is_none() && length_of(&vec![0; FRAME_BYTES_MAX + 1]).is_none());
        for (length, code) in
            [(0, CloseCode::Malformed), (too_large, CloseCode::TooLarge), (u32::MAX, CloseCode::TooLarge)]
        {
            let bytes = length.to_be_bytes();
            let error = block_on(read_frame(&mut bytes.as_slice())).unwrap_err();
            assert_eq!(error.close_code(), code);
        }
    }

    #[test]
    fn an_opening_is_read_back() {
        for class in Class::ALL {
            let bytes = opening(class);
            let mut stream = bytes.as_slice();
            assert_eq!(block_on(read_class(&mut stream)).unwrap(), class);
            assert!(stream.is_empty());
        }
        for scope in [Scope::Everything, Scope::LedgerOnly] {
            let words = Greeting { run: [9; 16], scope };
            let bytes = greeting(&words);
            let mut stream = bytes.as_slice();
            assert_eq!(block_on(read_class(&mut stream)).unwrap(), Class::Control);
            assert_eq!(block_on(read_greeting(&mut stream)).unwrap(), words);
            assert!(stream.is_empty());
        }
        let unknown = [&[9; 16][..], &[2]].concat();
        assert!(matches!(block_on(read_greeting(&mut unknown.as_slice())), Err(StreamError::UnknownScope(2))));
        assert!(matches!(block_on(read_class(&mut [5u8].as_slice())), Err(StreamError::UnknownClass(5))));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            let mut stream = bytes.as_slice();
            block_on(async { while read_frame(&mut stream).await.is_ok() {} });
        }

        #[test]
        fn a_stream_cut_anywhere_gives_whole_frames_only(
            frames in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..50), 1..10),
            cut in any::<prop::sample::Index>(),
        ) {
            let bytes: Vec<u8> = frames.iter().flat_map(|frame| framed(frame)).collect();
            let mut stream = &bytes[..cut.index(bytes.len())];
            let mut read = Vec::new();
            block_on(async { while let Ok(frame) = read_frame(&mut stream).await { read.push(frame) } });
            prop_assert!(frames.starts_with(&read) && read.len() < frames.len());
        }
    }
}
