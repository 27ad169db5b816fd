//! The join code: everything a new machine needs to find its organisation and to recognise it.

use std::fmt;
use std::str::FromStr;

use noroshi_sync::checkpoint::InvalidKey;
use noroshi_sync::id::EntryId;
use noroshi_sync::limits::TIME_MS_MAX;
use noroshi_sync::wire;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::address::NodeAddress;
use crate::base32;
use crate::id::{OfficeId, OrgId};
use crate::key::KeyPair;
use crate::limits::{JOIN_CODE_ADDRESSES_MAX, JOIN_CODE_CHARS_MAX};

const PREFIX: &str = "NOROSHI";
/// Base32 characters between two hyphens.
const GROUP: usize = 5;

/// A one-time permission to join, as text `NOROSHI1-…`. Whoever has it can become a node: `Debug` hides the secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinCode {
    pub organisation: OrgId,
    /// The `NodeInvite` entry.
    pub invite: EntryId,
    pub office: OfficeId,
    pub secret: [u8; 16],
    /// Milliseconds since 1970.
    pub expires_ms: u64,
    /// Where to ask, best first; 1 to 4.
    pub addresses: Vec<NodeAddress>,
}

/// Why a typed text is no join code. The sentences are for the person at the keyboard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidJoinCode {
    #[error("nothing was entered")]
    Empty,
    #[error("a join code begins with NOROSHI1-")]
    NoPrefix,
    #[error("this join code is of a later version of the program; update this node first")]
    LaterVersion,
    #[error("the text is longer than any join code ({JOIN_CODE_CHARS_MAX} characters)")]
    TooLong,
    #[error("the join code contains the character {0:?}, which no join code has")]
    Character(char),
    #[error("the join code is incomplete or mistyped")]
    Checksum,
    #[error("the join code holds an impossible value: {0}")]
    Value(&'static str),
}

/// The Ed25519 key of an invitation: seed = BLAKE3 derive-key("noroshi/invite-key/1", secret).
pub fn invite_key(secret: &[u8; 16]) -> Result<KeyPair, InvalidKey> {
    let seed = Zeroizing::new(blake3::derive_key("noroshi/invite-key/1", secret));
    KeyPair::from_seed(&seed)
}

impl JoinCode {
    /// 1 to 4 addresses, an expiry before the year 2100.
    pub fn check(&self) -> Result<(), InvalidJoinCode> {
        if self.addresses.is_empty() {
            return Err(InvalidJoinCode::Value("no address"));
        }
        if self.addresses.len() > JOIN_CODE_ADDRESSES_MAX {
            return Err(InvalidJoinCode::Value("more than 4 addresses"));
        }
        if self.expires_ms > TIME_MS_MAX {
            return Err(InvalidJoinCode::Value("the expiry is after the year 2100"));
        }
        Ok(())
    }
}

impl fmt::Display for JoinCode {
    /// `NOROSHI1-XXXXX-XXXXX-…`: postcard, four bytes of checksum, base32.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Zeroizing::new(wire::encode(self));
        let sum = checksum(&bytes);
        bytes.extend_from_slice(&sum);
        write!(f, "{PREFIX}1")?;
        let text = Zeroizing::new(base32::encode(&bytes));
        for (place, character) in text.chars().enumerate() {
            if place % GROUP == 0 {
                f.write_str("-")?;
            }
            write!(f, "{character}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for JoinCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JoinCode({:?}, {}, {:?})", self.organisation, self.invite, self.addresses)
    }
}

impl FromStr for JoinCode {
    type Err = InvalidJoinCode;

    /// Upper and lower case, full width, white space and hyphens anywhere are all the same.
    fn from_str(text: &str) -> Result<Self, InvalidJoinCode> {
        if text.len() > 4 * JOIN_CODE_CHARS_MAX || text.chars().count() > JOIN_CODE_CHARS_MAX {
            return Err(InvalidJoinCode::TooLong);
        }
        let typed = base32::canonical(text);
        if typed.is_empty() {
            return Err(InvalidJoinCode::Empty);
        }
        let prefix = base32::canonical(PREFIX);
        let versioned = typed.strip_prefix(prefix.as_str()).ok_or(InvalidJoinCode::NoPrefix)?;
        let body = match versioned.chars().next() {
            Some('1') => versioned.strip_prefix('1').unwrap_or_default(),
            Some('2'..='9') => return Err(InvalidJoinCode::LaterVersion),
            _ => return Err(InvalidJoinCode::NoPrefix),
        };
        if let Some(strange) = body.chars().find(|c| !c.is_ascii_alphanumeric() || *c == 'U') {
            return Err(InvalidJoinCode::Character(strange));
        }
        let bytes = base32::decode(body).ok_or(InvalidJoinCode::Checksum)?;
        let (content, sum) = bytes.split_last_chunk::<4>().ok_or(InvalidJoinCode::Checksum)?;
        if checksum(content) != *sum {
            return Err(InvalidJoinCode::Checksum);
        }
        let code: Self = wire::decode("join code", content, JOIN_CODE_CHARS_MAX)
            .map_err(|_| InvalidJoinCode::Value("it cannot be decoded"))?;
        code.check()?;
        Ok(code)
    }
}

impl Drop for JoinCode {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

fn checksum(bytes: &[u8]) -> [u8; 4] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"noroshi/join-code/1");
    hasher.update(bytes);
    let mut sum = [0; 4];
    hasher.finalize_xof().fill(&mut sum);
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> JoinCode {
        JoinCode {
            organisation: OrgId::from_bytes([1; 32]),
            invite: EntryId::from_bytes([2; 16]),
            office: OfficeId::from_bytes([3; 16]),
            secret: [4; 16],
            expires_ms: 1_790_000_000_000,
            addresses: vec!["192.0.2.7:7450".parse().unwrap(), "[2001:db8::7]:7450".parse().unwrap()],
        }
    }

    #[test]
    fn the_text_form_is_golden() {
        insta::assert_snapshot!(sample());
        assert!(!format!("{:?}", sample()).contains("4, 4"));
    }

    #[test]
    fn people_may_type_it_as_they_like() {
        let text = sample().to_string();
        let lines: String =
            text.chars().enumerate().map(|(i, c)| if i % 30 == 29 { format!("{c}\r\n\t") } else { c.into() }).collect();
        let wide: String = text.chars().map(|c| char::from_u32(c as u32 + 0xfee0).unwrap()).collect();
        for typed in [
            text.clone(),
            text.to_lowercase(),
            text.replace('-', ""),
            text.replace('-', "　"),
            text.replace('0', "O").replace('1', "l"),
            format!("  {text}\n"),
            lines,
            wide,
        ] {
            assert_eq!(typed.parse::<JoinCode>(), Ok(sample()), "{typed}");
        }
    }

    #[test]
    fn each_bad_code_has_its_sentence() {
        let text = sample().to_string();
        let mistyped = if text.ends_with('0') {
            format!("{}1", &text[..text.len() - 1])
        } else {
            format!("{}0", &text[..text.len() - 1])
        };
        for (typed, error) in [
            ("", InvalidJoinCode::Empty),
            (" - ", InvalidJoinCode::Empty),
            ("hello", InvalidJoinCode::NoPrefix),
            ("NOROSHI", InvalidJoinCode::NoPrefix),
            (&text[4..], InvalidJoinCode::NoPrefix),
            ("NOROSHI2-ABCDE", InvalidJoinCode::LaterVersion),
            ("NOROSHI1", InvalidJoinCode::Checksum),
            ("NOROSHI1-ABCDE", InvalidJoinCode::Checksum),
            ("NOROSHI1-ABC*E", InvalidJoinCode::Character('*')),
            ("NOROSHI1-ABCUE", InvalidJoinCode::Character('U')),
            ("NOROSHI1-狼煙", InvalidJoinCode::Character('狼')),
            (&text[..text.len() - 6], InvalidJoinCode::Checksum),
            (&mistyped, InvalidJoinCode::Checksum),
            (&"A".repeat(JOIN_CODE_CHARS_MAX + 1), InvalidJoinCode::TooLong),
        ] {
            assert_eq!(typed.parse::<JoinCode>(), Err(error), "{typed}");
        }
    }

    #[test]
    fn one_to_four_addresses_fit() {
        let with = |n: usize| JoinCode { addresses: vec!["192.0.2.7:7450".parse().unwrap(); n], ..sample() };
        for n in [1, 4] {
            assert_eq!(with(n).to_string().parse::<JoinCode>(), Ok(with(n)));
        }
        for n in [0, 5] {
            assert!(matches!(with(n).to_string().parse::<JoinCode>(), Err(InvalidJoinCode::Value(_))), "{n}");
        }
        let label = "a".repeat(63);
        let longest: NodeAddress = format!("{label}.{label}.{label}.{}:65535", "a".repeat(61)).parse().unwrap();
        let code = JoinCode { addresses: vec![longest; 4], ..sample() };
        assert_eq!(code.to_string().parse::<JoinCode>().as_ref(), Ok(&code), "the largest code is within the limit");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
            let _ = text.parse::<JoinCode>();
            let _ = format!("NOROSHI1-{text}").parse::<JoinCode>();
        }

        #[test]
        fn a_mistyped_character_is_noticed(place in 9usize..200, to in 0u32..32) {
            let text = sample().to_string();
            let mut typed: Vec<char> = text.chars().collect();
            let place = 9 + place % (typed.len() - 9);
            prop_assume!(typed[place] != '-' && typed[place] != base32::symbol(to));
            typed[place] = base32::symbol(to);
            prop_assert_eq!(typed.into_iter().collect::<String>().parse::<JoinCode>(), Err(InvalidJoinCode::Checksum));
        }
    }
}
