//! A browser's event socket, for the tests.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::http::{Caller, soon};

pub struct Socket(pub WebSocketStream<TcpStream>);

impl Socket {
    /// Opens with a token, from a cursor on; the greeting is read.
    pub async fn open(caller: &Caller, cursor: Option<&str>) -> (Self, Value) {
        let query = cursor.map(|cursor| format!("?cursor={cursor}")).unwrap_or_default();
        let protocol = format!("noroshi, bearer.{}", caller.token.as_deref().unwrap());
        let mut socket =
            Self::try_open(caller.address, &query, &[("sec-websocket-protocol", &protocol)]).await.unwrap();
        let hello = socket.next().await;
        assert_eq!(hello["type"], "hello");
        (socket, hello)
    }

    /// The status when the server refuses.
    pub async fn try_open(address: SocketAddr, query: &str, headers: &[(&str, &str)]) -> Result<Self, u16> {
        let tcp = TcpSocket::new_v4().unwrap();
        // Small, so that a client that does not read is noticed soon.
        tcp.set_recv_buffer_size(16 * 1024).unwrap();
        let tcp = tcp.connect(address).await.unwrap();
        let mut request = format!("ws://{address}/api/v1/events{query}").into_client_request().unwrap();
        for (name, value) in headers {
            let name = http_name(name);
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        match soon("the handshake", tokio_tungstenite::client_async(request, tcp)).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    pub async fn say(&mut self, value: &Value) {
        self.0.send(Message::text(value.to_string())).await.unwrap();
    }

    /// The next event; pings are answered on the way.
    pub async fn next(&mut self) -> Value {
        match self.next_or_close().await {
            Ok(event) => event,
            Err(close) => panic!("closed: {close:?}"),
        }
    }

    pub async fn next_or_close(&mut self) -> Result<Value, Option<CloseFrame>> {
        loop {
            match soon("an event", self.0.next()).await {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => return Err(frame),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    /// Everything up to an event of this type, which is the last of them.
    pub async fn until(&mut self, kind: &str) -> Vec<Value> {
        let mut seen = Vec::new();
        loop {
            let event = self.next().await;
            let found = event["type"] == kind;
            seen.push(event);
            if found {
                return seen;
            }
        }
    }

    pub async fn until_one(&mut self, kind: &str) -> Value {
        self.until(kind).await.pop().unwrap()
    }

    /// Everything that was underway when this was called: what comes before the answer to a ping.
    pub async fn drain(&mut self) -> Vec<Value> {
        self.say(&json!({"type": "ping"})).await;
        let mut seen = self.until("pong").await;
        seen.pop();
        seen
    }

    /// The code with which the server closes.
    pub async fn close_code(&mut self) -> u16 {
        loop {
            match self.next_or_close().await {
                Ok(_) => {}
                Err(frame) => return frame.map_or(1006, |frame| frame.code.into()),
            }
        }
    }
}

fn http_name(name: &str) -> tokio_tungstenite::tungstenite::http::HeaderName {
    name.parse().unwrap()
}
