//! Files that leave a node: encrypted in the age format (<https://age-encryption.org/v1>), to a passphrase or to nodes.
//!
//! A node has one key, for Ed25519. To be written to, it uses the same secret on the Montgomery form of the curve
//! (RFC 7748 §4.1, as libsodium's `crypto_sign_ed25519_pk_to_curve25519` does), so that a file can be encrypted to every
//! node that the ledger names. The content is a stream: neither side ever holds it as a whole.

use std::io::{self, BufRead, Write};
use std::iter;

use age::secrecy::SecretString;
use age::stream::{StreamReader, StreamWriter};
use age::{DecryptError, Decryptor, Encryptor, Recipient, scrypt, x25519};
use bech32::{Bech32, Hrp};
use curve25519_dalek::edwards::CompressedEdwardsY;
use noroshi_sync::id::NodeId;
use ring::digest;
use zeroize::Zeroizing;

use crate::password::{self, Owner, PasswordRefusal};

/// scrypt with N = 2^18, r = 8, p = 1: 256 MiB and about one second, the default of the age tool.
const PASSPHRASE_WORK: u8 = 18;
/// The most work a file may ask for: sixteen times as much.
const PASSPHRASE_WORK_MAX: u8 = 22;
/// Nodes a file can be encrypted to. An organisation has a few hundred.
pub const SEALED_FILE_NODES_MAX: usize = 4_096;

/// Encrypts what is written; only [`SealedWriter::finish`] makes the file whole.
pub type SealedWriter<W> = StreamWriter<W>;
/// Decrypts what is read.
pub type SealedReader<R> = StreamReader<R>;

/// Why no file was begun.
#[derive(Debug, thiserror::Error)]
pub enum SealFileError {
    #[error(transparent)]
    Passphrase(#[from] PasswordRefusal),
    #[error("the file would be for nobody, or for more than {SEALED_FILE_NODES_MAX} nodes")]
    Recipients,
    #[error("{0} is not the key of a node")]
    NotAKey(NodeId),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Why a file stays closed.
#[derive(Debug, thiserror::Error)]
pub enum OpenFileError {
    #[error("this is not an encrypted file of this program, or its beginning is damaged")]
    Malformed,
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    #[error("the file is not for this node")]
    NotForThisNode,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Begins a file for whoever knows the passphrase, which must be good enough to stand alone: the file can be tried offline.
/// The writer must be finished.
pub fn seal_with_passphrase<W: Write>(passphrase: &str, to: W) -> Result<SealedWriter<W>, SealFileError> {
    let passphrase = password::accept(passphrase, &Owner::alone("", &[]))?;
    let mut recipient = scrypt::Recipient::new(SecretString::from(passphrase.as_str()));
    recipient.set_work_factor(PASSPHRASE_WORK);
    seal(iter::once(&recipient as &dyn Recipient), to)
}

/// Opens a file of [`seal_with_passphrase`]. What is read is authenticated piece by piece; an error of the reader means
/// that the file was damaged or cut short.
pub fn open_with_passphrase<R: BufRead>(passphrase: &str, from: R) -> Result<SealedReader<R>, OpenFileError> {
    let passphrase = password::normalise(passphrase).ok_or(OpenFileError::WrongPassphrase)?;
    let mut identity = scrypt::Identity::new(SecretString::from(passphrase.as_str()));
    identity.set_max_work_factor(PASSPHRASE_WORK_MAX);
    open(&identity, from, OpenFileError::WrongPassphrase)
}

/// Begins a file that each of the nodes can open. The writer must be finished.
pub fn seal_to_nodes<W: Write>(nodes: &[NodeId], to: W) -> Result<SealedWriter<W>, SealFileError> {
    if nodes.is_empty() || nodes.len() > SEALED_FILE_NODES_MAX {
        return Err(SealFileError::Recipients);
    }
    let recipients = nodes.iter().map(recipient_of).collect::<Result<Vec<_>, _>>()?;
    seal(recipients.iter().map(|recipient| recipient as &dyn Recipient), to)
}

/// Opens a file of [`seal_to_nodes`] with the seed of a node's key.
pub fn open_as_node<R: BufRead>(seed: &[u8; 32], from: R) -> Result<SealedReader<R>, OpenFileError> {
    let identity = identity_of(seed).ok_or(OpenFileError::NotForThisNode)?;
    open(&identity, from, OpenFileError::NotForThisNode)
}

fn seal<'a, W: Write>(
    recipients: impl Iterator<Item = &'a dyn Recipient>,
    to: W,
) -> Result<SealedWriter<W>, SealFileError> {
    let encryptor = Encryptor::with_recipients(recipients).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(encryptor.wrap_output(to)?)
}

fn open<R: BufRead>(
    identity: &dyn age::Identity,
    from: R,
    closed: OpenFileError,
) -> Result<SealedReader<R>, OpenFileError> {
    let refused = |error| match error {
        DecryptError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => OpenFileError::Io(error),
        DecryptError::NoMatchingKeys | DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed => closed,
        _ => OpenFileError::Malformed,
    };
    match Decryptor::new_buffered(from).and_then(|decryptor| decryptor.decrypt(iter::once(identity))) {
        Ok(reader) => Ok(reader),
        Err(error) => Err(refused(error)),
    }
}

fn recipient_of(node: &NodeId) -> Result<x25519::Recipient, SealFileError> {
    let point = CompressedEdwardsY(*node.as_bytes()).decompress().filter(|point| !point.is_small_order());
    let point = point.ok_or(SealFileError::NotAKey(*node))?.to_montgomery();
    let text = bech32::encode::<Bech32>(Hrp::parse_unchecked("age"), point.as_bytes());
    let text = text.map_err(|_| SealFileError::NotAKey(*node))?;
    text.parse().map_err(|_| SealFileError::NotAKey(*node))
}

/// The secret scalar of an Ed25519 key is the first half of SHA-512 of its seed (RFC 8032 §5.1.5).
fn identity_of(seed: &[u8; 32]) -> Option<x25519::Identity> {
    let hash = digest::digest(&digest::SHA512, seed);
    let scalar = Zeroizing::new(hash.as_ref().get(..32)?.to_vec());
    let text = bech32::encode_upper::<Bech32>(Hrp::parse_unchecked("AGE-SECRET-KEY-"), &scalar).ok()?;
    Zeroizing::new(text).parse().ok()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use noroshi_sync::checkpoint::NodeKey;
    use proptest::prelude::*;

    use super::*;

    fn node(number: u8) -> NodeId {
        NodeKey::from_seed(&[number; 32]).unwrap().node()
    }

    fn written(mut writer: SealedWriter<Vec<u8>>, text: &[u8]) -> Vec<u8> {
        writer.write_all(text).unwrap();
        writer.finish().unwrap()
    }

    fn read(mut reader: impl Read) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        reader.read_to_end(&mut text).map(|_| text)
    }

    #[test]
    fn every_node_named_reads_it_and_no_other() {
        let file = written(seal_to_nodes(&[node(1), node(2)], Vec::new()).unwrap(), "避難所3か所".as_bytes());
        for number in [1, 2] {
            assert_eq!(read(open_as_node(&[number; 32], &file[..]).unwrap()).unwrap(), "避難所3か所".as_bytes());
        }
        assert!(matches!(open_as_node(&[3; 32], &file[..]), Err(OpenFileError::NotForThisNode)));
        assert!(matches!(seal_to_nodes(&[], Vec::new()), Err(SealFileError::Recipients)));
        let many = vec![node(1); SEALED_FILE_NODES_MAX + 1];
        assert!(matches!(seal_to_nodes(&many, Vec::new()), Err(SealFileError::Recipients)));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        // y = 0 and y = 1 are points of small order, which give a secret that everybody knows.
        let one = std::array::from_fn(|place| u8::from(place == 0));
        for bytes in [[0; 32], one] {
            let nobody = NodeId::from_bytes(bytes);
            assert!(matches!(seal_to_nodes(&[nobody], Vec::new()), Err(SealFileError::NotAKey(_))), "{bytes:?}");
        }
        // About half of all numbers are no point of the curve.
        let refused = (0..32).filter(|number| recipient_of(&NodeId::from_bytes([*number; 32])).is_err()).count();
        assert!((8..=24).contains(&refused), "{refused} of 32");
    }

    #[test]
    fn a_passphrase_opens_and_another_does_not() {
        let file = written(seal_with_passphrase("港の灯台は今夜も明るく光っている", Vec::new()).unwrap(), b"text");
        assert_eq!(
            read(open_with_passphrase("港の灯台は今夜も明るく光っている", &file[..]).unwrap()).unwrap(),
            b"text"
        );
        assert!(matches!(
            open_with_passphrase("港の灯台は今夜も明るく光っていた", &file[..]),
            Err(OpenFileError::WrongPassphrase)
        ));
        assert!(matches!(open_as_node(&[1; 32], &file[..]), Err(OpenFileError::NotForThisNode)));
        assert!(matches!(seal_with_passphrase("short", Vec::new()), Err(SealFileError::Passphrase(_))));
    }

    #[test]
    fn damage_anywhere_is_noticed() {
        let text = vec![7u8; 100_000];
        let file = written(seal_to_nodes(&[node(1)], Vec::new()).unwrap(), &text);
        let whole = |bytes: &[u8]| open_as_node(&[1; 32], bytes).ok().and_then(|reader| read(reader).ok());
        assert_eq!(whole(&file).as_deref(), Some(&text[..]));
        for cut in [0, 10, 100, 200, 70_000, file.len() - 1] {
            assert_eq!(whole(&file[..cut]), None, "cut at {cut}");
        }
        for place in [0, 30, 150, 300, 65_000, file.len() - 1] {
            let mut damaged = file.clone();
            damaged[place] ^= 1;
            assert_eq!(whole(&damaged), None, "changed at {place}");
        }
    }

    proptest! {
        #[test]
        fn bytes_from_outside_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(open_as_node(&[1; 32], &bytes[..]).is_err());
            let header = [b"age-encryption.org/v1\n-> X25519 ".as_slice(), &bytes].concat();
            prop_assert!(open_as_node(&[1; 32], &header[..]).is_err());
        }
    }
}
