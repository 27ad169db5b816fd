//! How a machine becomes a node of an organisation: one line of text, one question, one answer.
//!
//! 1. An administrator runs `invite-node`. A random 128-bit secret gives an Ed25519 key ([`invite_key`]); its public half
//!    goes into a signed [`NodeInvite`](crate::ledger::NodeInvite), the secret into a [`JoinCode`] with the fingerprint of
//!    the organisation and addresses to ask at. The code is read aloud, mailed or shown as a QR code.
//! 2. The new machine makes its own key and sends a [`JoinRequest`], signed by its key (it has it) and by the key of the
//!    invitation (it was invited). The secret itself never travels.
//! 3. A node of headquarters that has an issuing key checks it ([`check_request`]), writes the enrolment into the public
//!    ledger and answers with the certificates ([`JoinResponse`]).
//! 4. The new machine believes the answer only when the root certificate has the fingerprint of the code and the chain
//!    under it is for its own key ([`accept_response`]). Whoever sits on the line can prevent joining, not bend it.
//!
//! Where no line is: [`files`]. Certificates are renewed as [`renewal`] says.
//!
//! Asking again with the same key gives the same enrolment and a fresh certificate, so a lost answer costs nothing.

mod admission;
mod code;
pub mod files;
mod message;
pub mod renewal;

#[cfg(test)]
mod tests;

pub use admission::{Admission, JoinRefusal, check_request, response_for};
pub use code::{InvalidJoinCode, JoinCode, invite_key};
pub use message::{
    InvalidResponse, JoinError, JoinRequest, JoinResponse, Joined, KnownNode, accept_response, make_request,
};
