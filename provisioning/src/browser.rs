//! The certificates that browsers see: the organisation's browser authority and the leaves it issues to nodes.
//!
//! The **authority** (P-256, 10 years) is installed on PCs and phones, so it is constrained to what an organisation calls
//! its own: one domain, `.local`, `localhost` and private addresses ([`Reach`]); whoever steals its key cannot pretend to
//! be any site of the internet. It certifies **leaves** directly, since some Android versions want every intermediate
//! installed too. Each node makes its own key and asks headquarters ([`LeafRequest`]); a leaf lives 397 days and is
//! renewed at two thirds of that, so that an outage of four months passes unnoticed.
//!
//! Nothing here is of any weight between nodes: those know each other by [`crate::authority`].

mod authority;
mod claims;
mod leaf;
mod name;
mod reach;
mod request;

#[cfg(test)]
mod tests;

pub use authority::{BrowserAuthority, BrowserIssueError};
pub use claims::Claims;
pub use leaf::{LeafCertificate, LeafKey, UnusableLeaf, WebIdentity, check_leaf, fingerprint, fingerprint_sha1};
pub use name::{InvalidWebName, WebName};
pub use reach::Reach;
pub use request::{LeafRefusal, LeafRequest, LeafResponse, LeafRound, Unbelievable};
