//! Frames no browser sends: each ends that stream with a code, and nobody else's.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::house::House;
use crate::http::{read_to_end, soon};

/// FIN, and the kinds of frames (RFC 6455 §5.2).
const FIN: u8 = 0x80;
const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
/// Set in the second byte by everything a client sends.
const MASKED: u8 = 0x80;
const MASK: [u8; 4] = [1, 2, 3, 4];

/// A stream of events by hand, after the handshake; what the handshake answered.
async fn stream(address: SocketAddr, token: &str, more: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /api/v1/events HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         sec-websocket-protocol: noroshi, bearer.{token}\r\n{more}\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(soon("the handshake", stream.read_u8()).await.unwrap());
    }
    (stream, String::from_utf8(answer).unwrap().to_lowercase())
}

/// A frame as a client sends it.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    assert!(length < 126);
    let masked = payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask);
    [first, MASKED | length].into_iter().chain(MASK).chain(masked).collect()
}

/// The code with which the server closed; `None` when it closed without a word.
async fn close_code(stream: &mut TcpStream) -> Option<u16> {
    let said = soon("the end", read_to_end(stream)).await;
    let mut rest = said.as_slice();
    loop {
        let (head, after) = rest.split_first_chunk::<2>()?;
        let (length, after) = match head[1] {
            126 => {
                let (length, after) = after.split_first_chunk::<2>()?;
                (usize::from(u16::from_be_bytes(*length)), after)
            }
            127 => {
                let (length, after) = after.split_first_chunk::<8>()?;
                (usize::try_from(u64::from_be_bytes(*length)).unwrap(), after)
            }
            short => (usize::from(short), after),
        };
        let (payload, after) = after.split_at_checked(length)?;
        if head[0] == FIN | CLOSE {
            return payload.first_chunk::<2>().map(|code| u16::from_be_bytes(*code));
        }
        rest = after;
    }
}

#[tokio::test]
async fn frames_against_the_standard_end_the_stream() {
    let house = House::new().await;
    let token = house.tanaka.token.clone().unwrap();
    let unmasked = [FIN | TEXT, 2, b'{', b'}'];
    let table: [(&str, Vec<u8>); 9] = [
        ("not masked", unmasked.to_vec()),
        ("a reserved kind of data", frame(FIN | 3, b"")),
        ("a reserved kind of control", frame(FIN | 11, b"")),
        ("a reserved bit", frame(FIN | 0x40 | TEXT, b"{}")),
        ("control in pieces", frame(PING, b"")),
        ("control of more than 125 bytes", [vec![FIN | PING, MASKED | 126, 0, 126, 1, 2, 3, 4], vec![0; 126]].concat()),
        ("a continuation of nothing", frame(FIN, b"{}")),
        ("a closing code nobody may send", frame(FIN | CLOSE, &1005u16.to_be_bytes())),
        ("half a closing code", frame(FIN | CLOSE, &[3])),
    ];
    for (what, bytes) in table {
        let (mut stream, _) = stream(house.address, &token, "").await;
        stream.write_all(&bytes).await.unwrap();
        let code = close_code(&mut stream).await;
        assert!(matches!(code, None | Some(1002)), "{what}: {code:?}");
    }
    house.nobody().get("/livez").await.ok(200);
}

#[tokio::test]
async fn a_length_beyond_everything_costs_nothing() {
    let house = House::new().await;
    let token = house.tanaka.token.clone().unwrap();
    for length in [u64::MAX, i64::MAX.unsigned_abs(), 1 << 40] {
        let (mut stream, _) = stream(house.address, &token, "").await;
        let head = [FIN | TEXT, MASKED | 127].into_iter().chain(length.to_be_bytes()).chain(MASK);
        stream.write_all(&head.collect::<Vec<u8>>()).await.unwrap();
        let code = close_code(&mut stream).await;
        assert!(matches!(code, None | Some(1002 | 1009)), "{length}: {code:?}");
    }
}

#[tokio::test]
async fn a_message_byte_by_byte_is_a_message() {
    let house = House::new().await;
    let token = house.tanaka.token.clone().unwrap();
    let (mut stream, answer) = stream(house.address, &token, "sec-websocket-extensions: permessage-deflate\r\n").await;
    assert!(answer.starts_with("http/1.1 101"), "{answer}");
    // Compression is not taken: it would let a frame unpack to anything.
    assert!(!answer.contains("sec-websocket-extensions"), "{answer}");
    for byte in frame(FIN | TEXT, br#"{"type":"ping"}"#) {
        stream.write_all(&[byte]).await.unwrap();
    }
    let mut heard = Vec::new();
    while !heard.windows(6).any(|part| part == b"\"pong\"") {
        heard.push(soon("the answer", stream.read_u8()).await.unwrap());
    }
}
