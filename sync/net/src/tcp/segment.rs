//! The bytes between the two sides: a kind (one byte), a length (two bytes, big endian), and as many bytes.

use crate::close::CloseCode;
use crate::limits::{STREAMS_UNI_MAX, TCP_SEGMENT_BYTES_MAX};

/// Bytes before each segment's content.
pub(super) const HEADER_BYTES: usize = 3;

const ALIVE: u8 = 0xf0;
const ECHO: u8 = 0xf1;
const CREDIT: u8 = 0xf2;
const CLOSE: u8 = 0xff;
/// Largest reason in words that goes with a close, bytes.
const REASON_BYTES_MAX: usize = 200;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Segment {
    /// The next bytes of the sender's stream of this number, counted from 0 in the order of opening.
    Bytes {
        stream: usize,
        bytes: Vec<u8>,
    },
    /// «I am here»; the stamp comes back in an echo.
    Alive {
        stamp: u32,
    },
    Echo {
        stamp: u32,
    },
    /// So many bytes more of the receiver's stream may be sent.
    Credit {
        stream: usize,
        bytes: u32,
    },
    /// The end, and why.
    Close {
        code: u32,
    },
}

/// Bytes that are no segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct NoSegment;

impl Segment {
    pub fn encode(&self) -> Vec<u8> {
        let stream_number = |stream: usize| u8::try_from(stream).unwrap_or(u8::MAX);
        let (kind, content) = match self {
            Self::Bytes { stream, bytes } => (stream_number(*stream), bytes.clone()),
            Self::Alive { stamp } => (ALIVE, stamp.to_be_bytes().to_vec()),
            Self::Echo { stamp } => (ECHO, stamp.to_be_bytes().to_vec()),
            Self::Credit { stream, bytes } => (CREDIT, [&[stream_number(*stream)][..], &bytes.to_be_bytes()].concat()),
            Self::Close { code } => {
                let words = CloseCode::from_number(u64::from(*code)).map(|code| code.to_string()).unwrap_or_default();
                let words = words.as_bytes().get(..REASON_BYTES_MAX).unwrap_or(words.as_bytes());
                (CLOSE, [&code.to_be_bytes()[..], words].concat())
            }
        };
        let length = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes();
        [&[kind][..], &length, &content].concat()
    }

    /// The first segment of the bytes and how many they are; `None` when it is not complete yet.
    pub fn decode(bytes: &[u8]) -> Result<Option<(Self, usize)>, NoSegment> {
        let Some(([kind, high, low], rest)) = bytes.split_first_chunk::<HEADER_BYTES>() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        // Checked before it is waited for.
        let is_allowed = match *kind {
            CLOSE => (4..=4 + REASON_BYTES_MAX).contains(&length),
            ALIVE | ECHO => length == 4,
            CREDIT => length == 5,
            stream => u32::from(stream) < STREAMS_UNI_MAX && (1..=TCP_SEGMENT_BYTES_MAX).contains(&length),
        };
        if !is_allowed {
            return Err(NoSegment);
        }
        let Some(content) = rest.get(..length) else { return Ok(None) };
        let segment = match *kind {
            CLOSE => Self::Close { code: number(content).ok_or(NoSegment)? },
            ALIVE => Self::Alive { stamp: number(content).ok_or(NoSegment)? },
            ECHO => Self::Echo { stamp: number(content).ok_or(NoSegment)? },
            CREDIT => {
                let (stream, bytes) = content.split_first().ok_or(NoSegment)?;
                Self::Credit { stream: usize::from(*stream), bytes: number(bytes).ok_or(NoSegment)? }
            }
            stream => Self::Bytes { stream: usize::from(stream), bytes: content.to_vec() },
        };
        Ok(Some((segment, HEADER_BYTES + length)))
    }
}

/// The number in the first four bytes.
fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn segments_come_out_as_they_went_in() {
        let segments = [
            Segment::Bytes { stream: 0, bytes: vec![1] },
            Segment::Bytes { stream: STREAMS_UNI_MAX as usize - 1, bytes: vec![7; TCP_SEGMENT_BYTES_MAX] },
            Segment::Alive { stamp: u32::MAX },
            Segment::Echo { stamp: 0 },
            Segment::Credit { stream: 1, bytes: 65_536 },
            Segment::Close { code: CloseCode::Superseded.number() },
        ];
        let bytes: Vec<u8> = segments.iter().flat_map(Segment::encode).collect();
        let mut rest = bytes.as_slice();
        for segment in segments {
            let (read, length) = Segment::decode(rest).unwrap().unwrap();
            assert_eq!(read, segment);
            rest = &rest[length..];
        }
        assert_eq!((rest.len(), Segment::decode(rest)), (0, Ok(None)));
    }

    #[test]
    fn what_is_over_a_limit_is_refused_before_it_has_arrived() {
        let header = |kind: u8, length: usize| [&[kind][..], &u16::try_from(length).unwrap().to_be_bytes()].concat();
        assert_eq!(Segment::decode(&header(0, TCP_SEGMENT_BYTES_MAX)), Ok(None));
        let streams = u8::try_from(STREAMS_UNI_MAX).unwrap();
        for (kind, length) in
            [(0, TCP_SEGMENT_BYTES_MAX + 1), (0, 0), (streams, 1), (ALIVE, 3), (CREDIT, 6), (CLOSE, 3), (0xee, 1)]
        {
            assert_eq!(Segment::decode(&header(kind, length)), Err(NoSegment), "{kind} {length}");
        }
        assert!(Segment::decode(&header(CLOSE, 4 + REASON_BYTES_MAX + 1)).is_err());
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Segment::decode(&bytes);
        }
    }
}
