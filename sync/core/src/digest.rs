//! A sum of hashes that names a set: adding or removing one member costs one hash, and equal sets give equal sums.
//!
//! Modulo 2^256, so that sums of disjoint sets add up: a room is the sum of its lines, an audience the sum of its rooms,
//! and what two nodes share is the sum of the audiences that name both. Forged collisions need a subset-sum of 256-bit
//! hashes and would only hide differences that the forger itself signed.

use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};

use serde::{Deserialize, Serialize};

/// The digest of a set of lines.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of nothing.
    pub const EMPTY: Self = Self([0; 32]);

    /// The digest of one line, under a domain of its own.
    pub fn of(domain: &str, parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(domain.as_bytes());
        for part in parts {
            hasher.update(part);
        }
        Self(*hasher.finalize().as_bytes())
    }

    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl Add for Digest {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        let mut sum = [0u8; 32];
        let mut carry = 0u16;
        for ((sum, a), b) in sum.iter_mut().zip(self.0).zip(other.0) {
            let total = u16::from(a) + u16::from(b) + carry;
            *sum = total as u8;
            carry = total >> 8;
        }
        Self(sum)
    }
}

impl Sub for Digest {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        let mut difference = [0u8; 32];
        let mut borrow = 0i16;
        for ((difference, a), b) in difference.iter_mut().zip(self.0).zip(other.0) {
            let total = i16::from(a) - i16::from(b) - borrow;
            *difference = total as u8;
            borrow = i16::from(total < 0);
        }
        Self(difference)
    }
}

impl AddAssign for Digest {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl SubAssign for Digest {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl std::iter::Sum for Digest {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::EMPTY, Add::add)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start: String = data_encoding::HEXLOWER.encode(&self.0).chars().take(8).collect();
        write!(f, "digest({start}…)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(number: u32) -> Digest {
        Digest::of("test", &[&number.to_be_bytes()])
    }

    proptest! {
        #[test]
        fn order_does_not_matter_and_removal_undoes(numbers in proptest::collection::vec(any::<u32>(), 0..20)) {
            let forward: Digest = numbers.iter().map(|n| line(*n)).sum();
            let backward: Digest = numbers.iter().rev().map(|n| line(*n)).sum();
            prop_assert_eq!(forward, backward);
            let emptied = numbers.iter().fold(forward, |sum, n| sum - line(*n));
            prop_assert_eq!(emptied, Digest::EMPTY);
        }
    }

    #[test]
    fn carries_run_through_all_bytes() {
        let one = Digest({
            let mut bytes = [0; 32];
            bytes[0] = 1;
            bytes
        });
        assert_eq!(Digest([0xff; 32]) + one, Digest::EMPTY);
        assert_eq!(Digest::EMPTY - one, Digest([0xff; 32]));
    }
}
