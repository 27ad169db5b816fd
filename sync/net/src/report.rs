//! What the tasks of the network tell the driver.

use noroshi_sync::frame::Class;
use noroshi_sync::id::NodeId;

use crate::candidate::Target;
use crate::carrier::{Carrier, Incoming, Outgoing};
use crate::close::Ended;
use crate::pairing::ConnectionNumber;
use crate::stream::Greeting;

/// Something the driver must know. Whoever reports waits until the driver takes it.
pub(crate) enum Report {
    /// A dialled address has answered and is this peer.
    Answered { target: Target, peer: NodeId, carrier: Carrier },
    /// A dialled peer has greeted back.
    Greeted { target: Target, peer: NodeId, greeting: Greeting, carrier: Carrier, control: (Outgoing, Incoming) },
    /// A dialled address came to nothing.
    NotReached { target: Target, peer: Option<NodeId>, ended: Ended },
    /// A peer has dialled us and greeted.
    Arrived { peer: NodeId, greeting: Greeting, carrier: Carrier, control_in: Incoming },
    /// A frame of ours was taken by the transport.
    Sent { number: ConnectionNumber, class: Class },
    /// A connection is gone.
    Closed { number: ConnectionNumber, ended: Ended },
}

/// One frame from a peer.
pub(crate) struct Inbound {
    pub number: ConnectionNumber,
    pub bytes: Vec<u8>,
}
