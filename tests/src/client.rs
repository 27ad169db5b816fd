//! A client of the HTTP interface, as a program of somebody else would be: one kept connection, JSON, a WebSocket.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// One request may take this long; the tests' own conditions are stricter.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// What came back.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: StatusCode,
    pub body: Value,
}

impl Reply {
    /// The body, if the status is a success; panics with both otherwise.
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{}: {}", self.status, self.body);
        self.body
    }

    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }
}

/// The connection failed; whether the request took effect is unknown.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the connection failed: {0}")]
pub struct Broken(pub String);

/// See the module.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    pub token: Option<String>,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Self { address, token: None, connection: None }
    }

    /// From an address as `noroshi demo --json` prints it.
    pub fn at(url: &str) -> Self {
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        Self::new(address.parse().expect("an address like http://127.0.0.1:8470"))
    }

    pub async fn logged_in(url: &str, login: &str, password: &str) -> Self {
        let mut client = Self::at(url);
        let reply = client.post("/api/v1/session", &json!({"login": login, "password": password})).await.ok();
        client.token = Some(reply["token"].as_str().unwrap().to_owned());
        client
    }

    pub async fn get(&mut self, path: &str) -> Reply {
        self.request(Method::GET, path, None).await.unwrap()
    }
    pub async fn post(&mut self, path: &str, body: &Value) -> Reply {
        self.request(Method::POST, path, Some(body)).await.unwrap()
    }
    pub async fn put(&mut self, path: &str, body: &Value) -> Reply {
        self.request(Method::PUT, path, Some(body)).await.unwrap()
    }
    pub async fn patch(&mut self, path: &str, body: &Value) -> Reply {
        self.request(Method::PATCH, path, Some(body)).await.unwrap()
    }
    pub async fn delete(&mut self, path: &str) -> Reply {
        self.request(Method::DELETE, path, None).await.unwrap()
    }

    /// Posts a text under a fresh id; the id.
    pub async fn say(&mut self, room: &str, text: &str) -> String {
        let id = uuid::Uuid::now_v7().to_string();
        self.put(&format!("/api/v1/rooms/{room}/messages/{id}"), &json!({"text": text})).await.ok();
        id
    }

    /// The texts of the newest messages of a room, newest last.
    pub async fn texts(&mut self, room: &str, limit: usize) -> Vec<String> {
        let page = self.get(&format!("/api/v1/rooms/{room}/messages?limit={limit}")).await.ok();
        page["items"].as_array().unwrap().iter().map(|item| item["text"].as_str().unwrap().to_owned()).collect()
    }

    /// Every message of a room as (id, text), oldest first.
    pub async fn all_messages(&mut self, room: &str) -> Vec<(String, String)> {
        let mut messages = Vec::new();
        let mut path = format!("/api/v1/rooms/{room}/messages?limit=200");
        loop {
            let page = self.get(&path).await.ok();
            let items = page["items"].as_array().unwrap().iter().rev();
            let pair =
                |item: &Value| (item["id"].as_str().unwrap().to_owned(), item["text"].as_str().unwrap().to_owned());
            messages.extend(items.filter(|item| item["entry_kind"] == "message").map(pair));
            match page["next"].as_str() {
                Some(next) => path = format!("/api/v1/rooms/{room}/messages?limit=200&before={next}"),
                None => break,
            }
        }
        messages.reverse();
        messages
    }

    /// Sends a file as the whole body.
    pub async fn post_file(&mut self, path: &str, content_type: &str, bytes: Vec<u8>) -> Reply {
        self.deliver(Method::POST, path, Some((content_type, bytes.into()))).await.unwrap()
    }

    /// The bytes of a file; `None` while it is not to be had.
    pub async fn file(&mut self, path: &str) -> Option<Bytes> {
        let (status, bytes) = self.send(Method::GET, path, None).await.ok()?;
        status.is_success().then_some(bytes)
    }

    pub async fn request(&mut self, method: Method, path: &str, body: Option<&Value>) -> Result<Reply, Broken> {
        self.deliver(method, path, body.map(|body| ("application/json", Bytes::from(body.to_string())))).await
    }

    async fn deliver(&mut self, method: Method, path: &str, body: Option<(&str, Bytes)>) -> Result<Reply, Broken> {
        let sent = tokio::time::timeout(REQUEST_LIMIT, self.send(method, path, body)).await;
        let reply = sent.unwrap_or_else(|_| Err(Broken("no answer in time".into()))).map(|(status, bytes)| {
            let body = serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
            Reply { status, body }
        });
        if reply.is_err() {
            self.connection = None;
        }
        reply
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Option<(&str, Bytes)>,
    ) -> Result<(StatusCode, Bytes), Broken> {
        let broken = |error: &dyn std::fmt::Display| Broken(error.to_string());
        let mut request = Request::builder().method(method).uri(path).header("host", self.address.to_string());
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let mut bytes = Bytes::new();
        if let Some((content_type, content)) = body {
            request = request.header("content-type", content_type);
            bytes = content;
        }
        let request = request.body(Full::new(bytes)).map_err(|error| broken(&error))?;
        let connection = match self.connection.take().filter(|connection| !connection.is_closed()) {
            Some(connection) => self.connection.insert(connection),
            None => self.connection.insert(connect(self.address).await?),
        };
        connection.ready().await.map_err(|error| broken(&error))?;
        let response = connection.send_request(request).await.map_err(|error| broken(&error))?;
        let status = response.status();
        let bytes = response.into_body().collect().await.map_err(|error| broken(&error))?.to_bytes();
        Ok((status, bytes))
    }

    /// The event stream, from the cursor on.
    pub async fn events(&self, cursor: Option<&str>) -> Events {
        let query = cursor.map(|cursor| format!("?cursor={cursor}")).unwrap_or_default();
        let mut request = format!("ws://{}/api/v1/events{query}", self.address).into_client_request().unwrap();
        let protocol = format!("noroshi, bearer.{}", self.token.as_deref().unwrap_or(""));
        request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (socket, _) = tokio_tungstenite::client_async(request, stream).await.unwrap();
        Events { socket }
    }
}

async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>, Broken> {
    let stream = TcpStream::connect(address).await.map_err(|error| Broken(error.to_string()))?;
    stream.set_nodelay(true).map_err(|error| Broken(error.to_string()))?;
    let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
    let (sender, connection) = handshake.map_err(|error| Broken(error.to_string()))?;
    tokio::spawn(connection);
    Ok(sender)
}

/// An open event stream.
pub struct Events {
    socket: tokio_tungstenite::WebSocketStream<TcpStream>,
}

impl Events {
    /// The next event; `None` when the server closed.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            match self.socket.next().await? {
                Ok(Message::Text(text)) => return serde_json::from_str(&text).ok(),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    pub async fn send(&mut self, event: &Value) {
        self.socket.send(Message::text(event.to_string())).await.unwrap();
    }
}
