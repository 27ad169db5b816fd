//! All chance of a run: one seed, one stream of numbers, the same on every machine.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A stream of its own, so that more draws here do not change what is drawn there.
    pub fn split(&mut self) -> Self {
        Self(ChaCha8Rng::from_rng(&mut self.0))
    }

    /// From 0 to `end` − 1; 0 when there is nothing to choose from.
    pub fn below(&mut self, end: u64) -> u64 {
        // The bias of 2^-64 · end does not matter here.
        let wide = u128::from(self.0.next_u64()) * u128::from(end);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// Both ends included.
    pub fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last.saturating_sub(first).saturating_add(1))
    }

    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    pub fn chance(&mut self, probability: f64) -> bool {
        // 53 bits are what a float can hold.
        probability > 0.0 && ((self.0.next_u64() >> 11) as f64) < probability * (1u64 << 53) as f64
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.index(items.len()))
    }

    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for place in (1..items.len()).rev() {
            items.swap(place, self.index(place + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_stay_in_range_and_repeat_with_the_seed() {
        let draw = || {
            let mut random = Random::new(7);
            (0..1_000).map(|_| random.between(3, 5)).collect::<Vec<_>>()
        };
        assert_eq!(draw(), draw());
        assert!((3..=5).all(|number| draw().contains(&number)));
        assert!(draw().iter().all(|number| (3..=5).contains(number)));
        assert_eq!(Random::new(1).below(0), 0);
    }

    #[test]
    fn chances_are_about_right() {
        let mut random = Random::new(1);
        let hits = (0..10_000).filter(|_| random.chance(0.3)).count();
        assert!((2_800..3_200).contains(&hits), "{hits}");
        assert!(!(0..100).any(|_| random.chance(0.0)) && (0..100).all(|_| random.chance(1.0)));
    }
}
