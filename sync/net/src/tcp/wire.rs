//! The two tasks of a connection: one reads what the peer sends, one writes what is next.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsStream;

use crate::close::{CloseCode, Ended};
use crate::limits::{FAREWELL_TIMEOUT, TCP_SEGMENT_BYTES_MAX};

use super::segment::{HEADER_BYTES, NoSegment, Segment};
use super::{Line, Manner};

/// What TLS 1.3 adds to a record, bytes.
const RECORD_BYTES: u64 = 22;

/// A line is not cut before so many of its round trips have passed without a byte.
const SILENT_ROUND_TRIPS: u32 = 6;

type Stream = TlsStream<TcpStream>;

pub(super) fn spawn(line: &Line, stream: Stream, manner: &Manner) {
    let (reading, writing) = split(stream);
    let (reader, writer) = (line.clone(), line.clone());
    let (begun, silence) = (Instant::now(), manner.silence);
    let (echoes, echoing) = tokio::sync::mpsc::channel(1);
    manner.tasks.spawn(read(reader, reading, silence, begun, echoes));
    manner.tasks.spawn(write(writer, writing, silence / 3, begun, echoing));
}

/// Takes segments until the line ends. A peer that says nothing for too long, not even that it is there, is cut off.
async fn read(
    line: Line,
    mut stream: ReadHalf<Stream>,
    silence: Duration,
    begun: Instant,
    echoes: tokio::sync::mpsc::Sender<u32>,
) {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + TCP_SEGMENT_BYTES_MAX);
    let ended = loop {
        // On a full and bad line TCP sends again after some round trips only.
        let patience = silence.max(SILENT_ROUND_TRIPS * line.round_trip());
        let read = tokio::select! {
            read = timeout(patience, stream.read_buf(&mut bytes)) => read,
            _ = line.closed() => return,
        };
        match read {
            Err(_) => break Ended::TimedOut,
            Ok(Ok(0)) => break Ended::Transport("the connection ended without a word".into()),
            Ok(Err(error)) => break Ended::Transport(error.to_string()),
            Ok(Ok(count)) => {
                line.0.received.fetch_add(count as u64 + RECORD_BYTES, Ordering::Relaxed);
            }
        }
        if let Err(ended) = take_segments(&line, &mut bytes, begun, &echoes) {
            break ended;
        }
    };
    line.end(ended);
}

fn take_segments(
    line: &Line,
    bytes: &mut Vec<u8>,
    begun: Instant,
    echoes: &tokio::sync::mpsc::Sender<u32>,
) -> Result<(), Ended> {
    let breach = Ended::ByUs(CloseCode::Protocol);
    let mut place = 0;
    while let Some((segment, length)) =
        Segment::decode(bytes.get(place..).unwrap_or_default()).map_err(|NoSegment| breach.clone())?
    {
        place += length;
        match segment {
            Segment::Bytes { stream, bytes } => {
                let is_new = line.lanes().arrived(stream, &bytes).map_err(|_| breach.clone())?;
                if is_new {
                    line.0.opened.notify_one();
                }
            }
            Segment::Credit { stream, bytes } => {
                line.lanes().credited(stream, bytes).map_err(|_| breach.clone())?;
                line.0.to_write.notify_one();
            }
            // One answer at a time is enough to say that somebody is there.
            Segment::Alive { stamp } => _ = echoes.try_send(stamp),
            Segment::Echo { stamp } => note_round_trip(line, stamp, begun),
            Segment::Close { code } => {
                let code = u64::from(code);
                return Err(CloseCode::from_number(code).map_or(Ended::ByPeerUnknown(code), Ended::ByPeer));
            }
        }
    }
    bytes.drain(..place);
    Ok(())
}

/// Smoothed as in RFC 9002 §5.3. The stamp is of our own clock, milliseconds; nonsense counts as nothing.
fn note_round_trip(line: &Line, stamp: u32, begun: Instant) {
    let Some(sample_ms) = stamp_of(begun).checked_sub(stamp) else { return };
    let sample_us = u64::from(sample_ms) * 1_000;
    let before = line.0.round_trip_us.load(Ordering::Relaxed);
    let smoothed = if before == 0 { sample_us.max(1) } else { (7 * before + sample_us) / 8 };
    line.0.round_trip_us.store(smoothed, Ordering::Relaxed);
}

fn stamp_of(begun: Instant) -> u32 {
    u32::try_from(begun.elapsed().as_millis()).unwrap_or(u32::MAX)
}

/// Writes segments one by one, each to the socket before the next is chosen.
async fn write(
    line: Line,
    mut stream: WriteHalf<Stream>,
    keep_alive: Duration,
    begun: Instant,
    mut echoing: tokio::sync::mpsc::Receiver<u32>,
) {
    let mut next = Some(Segment::Alive { stamp: stamp_of(begun) });
    let mut alive_at = Instant::now();
    loop {
        if line.has_ended() {
            break;
        }
        // Also while other things flow: it measures the round trip with what waits in the line.
        if next.is_none() && alive_at.elapsed() >= keep_alive {
            alive_at = Instant::now();
            next = Some(Segment::Alive { stamp: stamp_of(begun) });
        }
        let segment = match next.take().or_else(|| line.lanes().next()) {
            Some(segment) => segment,
            None => tokio::select! {
                () = line.0.to_write.notified() => continue,
                Some(stamp) = echoing.recv() => Segment::Echo { stamp },
                () = tokio::time::sleep_until(alive_at + keep_alive) => continue,
            },
        };
        let bytes = segment.encode();
        let written = tokio::select! {
            written = put(&mut stream, &bytes) => written,
            // What stands in the socket is not waited for.
            _ = line.closed() => break,
        };
        if let Err(error) = written {
            return line.end(Ended::Transport(error.to_string()));
        }
        line.0.sent.fetch_add(bytes.len() as u64 + RECORD_BYTES, Ordering::Relaxed);
        // An answer must not wait until everything else is sent.
        next = echoing.try_recv().ok().map(|stamp| Segment::Echo { stamp });
    }
    if let Some(Ended::ByUs(code)) = line.close_reason() {
        let farewell = async {
            _ = put(&mut stream, &Segment::Close { code: code.number() }.encode()).await;
            _ = stream.shutdown().await;
        };
        _ = timeout(FAREWELL_TIMEOUT, farewell).await;
    }
}

async fn put(stream: &mut WriteHalf<Stream>, bytes: &[u8]) -> std::io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}
