//! The organisation's certificate authority for nodes, and the files its keys lie in.
//!
//! Three levels, all Ed25519: the **root** (20 years; its public key is the organisation, its private key is sealed and
//! only signs), an **issuing** authority (10 years, at headquarters), and the **node** certificates (397 days). They say
//! who belongs to the organisation; names in them are for people's eyes, and a peer is its key. The root is constrained
//! to names under `node.noroshi.invalid`, so that whoever were to install it in a browser would have given it no power
//! over any web site. Browser certificates are another authority altogether.
//!
//! Expired certificates are still identities: whether an expired peer is admitted is decided where time is known.

mod certificate;
mod identity;
pub(crate) mod issue;
pub(crate) mod key_file;
mod key_folder;

#[cfg(test)]
mod tests;

pub use certificate::{
    InvalidCertificate, check_chain, node_id_of_certificate, organisation_name, public_key, validity,
};
pub use identity::{IdentityError, NodeIdentity};
pub use issue::{IssueError, IssuingKey, root_certificate};
pub use key_file::KeyFileError;
pub use key_folder::{KeyFolder, SealedBrowserAuthority};
