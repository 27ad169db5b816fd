//! The first words of a connection: both sides open the stream of class control, name their run
//! and say what they exchange with the other.
//!
//! The dialler greets first. A listener that refuses (the line is cut, it is busy) closes instead of greeting back, so a
//! dialler counts as connected only when both have agreed, and a connection dialled in vain leaves no trace.

use tokio::time::timeout;

use noroshi_sync::frame::Class;

use crate::carrier::{Carrier, Incoming};
use crate::close::{CloseCode, Ended};
use crate::connection::Closer;
use crate::stream::{Greeting, StreamError, read_class, read_greeting};

/// Waits for the greeting of the other side.
pub(crate) async fn hear(connection: &Carrier, limit: std::time::Duration) -> Result<(Greeting, Incoming), Ended> {
    let closer = Closer::new(connection.clone());
    let error = match timeout(limit, hear_unlimited(connection)).await {
        Ok(Ok(heard)) => return Ok(heard),
        Ok(Err(error)) => error,
        Err(_) => {
            closer.close(CloseCode::Silent);
            return Err(Ended::TimedOut);
        }
    };
    // What a stream says of a lost connection is less than the connection itself says.
    if let Some(reason) = connection.close_reason() {
        return Err(reason);
    }
    match error {
        // The stream of a connection that has ended, of which the reason is above.
        Unheard::Connection => Err(Ended::Reset),
        Unheard::Stream(error) => {
            closer.close(error.close_code());
            Err(Ended::ByUs(error.close_code()))
        }
        Unheard::WrongClass => {
            closer.close(CloseCode::Protocol);
            Err(Ended::ByUs(CloseCode::Protocol))
        }
    }
}

enum Unheard {
    Connection,
    Stream(StreamError),
    WrongClass,
}

async fn hear_unlimited(connection: &Carrier) -> Result<(Greeting, Incoming), Unheard> {
    let mut stream = connection.accept().await.ok_or(Unheard::Connection)?;
    // Streams begin in the order they were opened, and control is opened first.
    if read_class(&mut stream).await.map_err(Unheard::Stream)? != Class::Control {
        return Err(Unheard::WrongClass);
    }
    let greeting = read_greeting(&mut stream).await.map_err(Unheard::Stream)?;
    Ok((greeting, stream))
}
