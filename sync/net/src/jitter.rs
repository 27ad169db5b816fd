//! Random pauses from a seed, so that a test can repeat them.

/// SplitMix64 (Steele, Lea, Flood 2014): enough to keep nodes from dialling in step; not for secrets.
#[derive(Clone, Debug)]
pub(crate) struct Jitter(u64);

impl Jitter {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        let span = high.saturating_sub(low).saturating_add(1);
        low + self.next() % span
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_between_and_differs_by_seed() {
        let (mut one, mut two) = (Jitter::new(1), Jitter::new(2));
        let draw = |jitter: &mut Jitter| (0..100).map(|_| jitter.between(500, 3_000)).collect::<Vec<_>>();
        let (first, second) = (draw(&mut one), draw(&mut two));
        assert!(first.iter().chain(&second).all(|pause| (500..=3_000).contains(pause)));
        assert_ne!(first, second);
        assert_eq!(Jitter::new(7).between(5, 5), 5);
    }
}
