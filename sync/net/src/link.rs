//! The link switch, and what the application learns about its lines.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;

use noroshi_sync::event::Notice;
use noroshi_sync::id::NodeId;

use crate::carrier::Transport;
use crate::close::Ended;

/// Which lines the link switch of this node holds cut. A cut line is not dialled, and refused when dialled by the peer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LinkState {
    /// All lines of this node.
    pub all: bool,
    /// The lines to these nodes.
    pub nodes: BTreeSet<NodeId>,
}

impl LinkState {
    pub fn is_cut(&self, peer: &NodeId) -> bool {
        self.all || self.nodes.contains(peer)
    }
}

/// How the address of a peer came to be known, the most trusted first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Via {
    /// Written in the node's configuration.
    Configured,
    /// In the organisation's directory, signed by the node it speaks of.
    Directory,
    /// Announced on the local network.
    Mdns,
    /// The peer dialled this node; its address was in no list.
    Heard,
}

impl Via {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Configured => "configured",
            Self::Directory => "directory",
            Self::Mdns => "mdns",
            Self::Heard => "heard",
        }
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the application is told, in the order it happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NetEvent {
    /// Two running programs have the key of this node (which may be this one): its folder was copied.
    Doubled { node: NodeId },
    /// From the sessions.
    Notice(Notice),
    /// The line to a peer is in another state than before.
    Link { peer: NodeId, state: LinkPhase },
}

/// The state of the line to a peer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LinkPhase {
    Connected {
        via: Via,
        address: SocketAddr,
        transport: Transport,
    },
    /// By a link switch: this node's, or that of the peer.
    Cut {
        by_us: bool,
    },
    /// Neither connected nor cut; the reason is that of the last attempt or connection, if there was one.
    Unreachable {
        reason: Option<Ended>,
    },
}
