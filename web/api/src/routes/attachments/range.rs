//! Which part of a file a `Range` header means (RFC 9110 §14): one range, or the whole.

/// A part of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    Whole,
    /// Both ends included.
    Range {
        first: u64,
        last: u64,
    },
    /// Beyond the end.
    Outside,
}

/// What cannot be read, and several ranges at once, mean the whole, as the standard allows: who asks for a thousand parts
/// gets one.
pub fn part_of(header: Option<&str>, size: u64) -> Part {
    let Some(range) = header.and_then(|header| header.trim().strip_prefix("bytes=")) else { return Part::Whole };
    let Some((first, last)) = range.trim().split_once('-') else { return Part::Whole };
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first > last => Part::Whole,
        (Some(first), _) if first >= size && is_number_or_nothing(last) => Part::Outside,
        (Some(first), Some(last)) => Part::Range { first, last: last.min(size.saturating_sub(1)) },
        (Some(first), None) if last.is_empty() => Part::Range { first, last: size.saturating_sub(1) },
        (None, Some(0)) if first.is_empty() => Part::Outside,
        (None, Some(count)) if first.is_empty() => {
            Part::Range { first: size.saturating_sub(count), last: size.saturating_sub(1) }
        }
        _ => Part::Whole,
    }
}

fn is_number_or_nothing(text: &str) -> bool {
    text.is_empty() || number(text).is_some()
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_understood_and_everything_else_is_the_whole() {
        let range = |first, last| Part::Range { first, last };
        for (header, expected) in [
            ("bytes=0-0", range(0, 0)),
            ("bytes=0-", range(0, 99)),
            ("bytes=10-19", range(10, 19)),
            ("bytes=10-1000", range(10, 99)),
            ("bytes=-1", range(99, 99)),
            ("bytes=-1000", range(0, 99)),
            ("bytes=99-", range(99, 99)),
            ("bytes=100-", Part::Outside),
            ("bytes=100-200", Part::Outside),
            ("bytes=99999999999999999999-", Part::Outside),
            ("bytes=-0", Part::Outside),
            ("bytes=2-1", Part::Whole),
            ("bytes=0-1,3-4", Part::Whole),
            ("bytes=0-0,0-0,0-0,0-0", Part::Whole),
            ("bytes=", Part::Whole),
            ("bytes=-", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("items=0-1", Part::Whole),
            ("", Part::Whole),
        ] {
            assert_eq!(part_of(Some(header), 100), expected, "{header}");
        }
        assert_eq!(part_of(None, 100), Part::Whole);
    }
}
