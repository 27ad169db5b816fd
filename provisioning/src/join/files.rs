//! Joining with no line between the machines: three files, carried by hand.
//!
//! 1. **Request.** The new machine makes two keys, one to be a node and one to be written to, and a file that names their
//!    public halves ([`OfflineRequest`]). Its [`Fingerprint`] is read aloud over the telephone, so that nobody's own
//!    request takes its place on the way.
//! 2. **Approval.** An administrator signs the enrolment of that key for an office ([`OfflineApproval`]). Where the
//!    administrator's console is a node of headquarters with the issuing key, this file need not be written.
//! 3. **Certificate.** A node of headquarters with the issuing key takes the enrolment into the ledger and writes the
//!    certificates and everything of the ledger that the new node may hold ([`OfflineCertificate`]): offices, people,
//!    rights, and the password verifiers of its own office. All of it is encrypted to the request and signed by the
//!    node that wrote it.
//!
//! The new machine believes the file because its root certificate has the fingerprint that headquarters reads out, the
//! chain under it is for its own key, and the writer's chain ends at the same root. What the ledger says is then verified
//! like anything from a peer: by the signatures of its writers.

mod approval;
mod armour;
mod certificate;
mod request;

#[cfg(test)]
mod tests;

pub use crate::fingerprint::{Fingerprint, InvalidFingerprint};
pub use approval::{InvalidApproval, OfflineApproval};
pub use armour::{FileKind, InvalidFile, text_of};
pub use certificate::{InvalidPapers, OfflineCertificate, OfflineJoined, Papers};
pub use request::{OfflineRequest, RequestKeys, RequestRefusal};
