//! This machine's clock against the median of its peers': one wrong clock among them changes nothing.

/// A clock more than this far from the median of its peers is wrong, milliseconds.
pub const CLOCK_SUSPECT_MS: i64 = 2_000;

/// This machine's clock minus the median of its peers', from the peers' measured offsets (theirs minus ours).
///
/// With one or two peers nobody can say whose clock is wrong, so the nearest to ours counts.
pub fn own_offset_ms(peer_offsets_ms: impl IntoIterator<Item = i64>) -> i64 {
    let mut offsets: Vec<i64> = peer_offsets_ms.into_iter().collect();
    // Our own clock is one of the opinions.
    offsets.push(0);
    offsets.sort_unstable();
    let middle = offsets.len() / 2;
    let median = if offsets.len() % 2 == 1 {
        offsets.get(middle).copied()
    } else {
        let pair = (offsets.get(middle.saturating_sub(1)).copied(), offsets.get(middle).copied());
        match pair {
            (Some(low), Some(high)) => Some(if low.abs() <= high.abs() { low } else { high }),
            _ => None,
        }
    };
    median.unwrap_or(0).saturating_neg()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_majority_is_right() {
        assert_eq!(own_offset_ms([]), 0);
        assert_eq!(own_offset_ms([9_000]), 0);
        assert_eq!(own_offset_ms([9_000, 9_010]), -9_000);
        assert_eq!(own_offset_ms([9_000, 9_010, -4]), 0);
        assert_eq!(own_offset_ms([-60_000, -60_020, -60_010]), 60_000);
        assert_eq!(own_offset_ms([i64::MIN, i64::MIN]), i64::MAX);
    }
}
