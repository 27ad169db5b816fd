//! Durations, times of the story and speeds, as people write them in a scenario file.

/// Milliseconds of «250ms», «5s», «10m», «72h», «2d» or several of them one after the other («1h30m»).
pub(super) fn duration_ms(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at_checked(digits)?;
        let end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(end)?;
        let factor = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(factor)?)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(total)
}

/// Milliseconds after the start of the scenario: «08:20» (the clock on the wall, on the day of the start), «T+0:18» (hours
/// and minutes), «T+00:18:30» or «T+72h». `start_ms` is the time of day of the start.
pub(super) fn instant_ms(text: &str, start_ms: u64) -> Option<u64> {
    match text.strip_prefix("T+") {
        Some(after) => clock_ms(after, u64::MAX).or_else(|| duration_ms(after)),
        None => clock_ms(text, 24)?.checked_sub(start_ms),
    }
}

/// «8:20» or «08:20:30» with fewer than `hours_end` hours.
fn clock_ms(text: &str, hours_end: u64) -> Option<u64> {
    let parts: Vec<&str> = text.split(':').collect();
    let number = |text: &str, digits: std::ops::RangeInclusive<usize>| {
        let is_number = digits.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<u64>().ok()).flatten()
    };
    let (hours, minutes, seconds) = match parts.as_slice() {
        [hours, minutes] => (number(hours, 1..=4)?, number(minutes, 2..=2)?, 0),
        [hours, minutes, seconds] => (number(hours, 1..=4)?, number(minutes, 2..=2)?, number(seconds, 2..=2)?),
        _ => return None,
    };
    (hours < hours_end && minutes < 60 && seconds < 60).then_some(((hours * 60 + minutes) * 60 + seconds) * 1_000)
}

/// A change of a clock in milliseconds: «+3h», «-10m».
pub(super) fn jump_ms(text: &str) -> Option<i64> {
    let (sign, rest) = match (text.strip_prefix('+'), text.strip_prefix('-')) {
        (Some(rest), _) => (1, rest),
        (_, Some(rest)) => (-1, rest),
        _ => return None,
    };
    i64::try_from(duration_ms(rest)?).ok().map(|ms| sign * ms)
}

/// Bits a second of «64kbit/s» or «10Mbit/s».
pub(super) fn bits_a_second(text: &str) -> Option<u64> {
    let (number, factor) = match (text.strip_suffix("kbit/s"), text.strip_suffix("Mbit/s")) {
        (Some(number), _) => (number, 1_000),
        (_, Some(number)) => (number, 1_000_000),
        _ => return None,
    };
    number.trim().parse::<u64>().ok()?.checked_mul(factor).filter(|rate| *rate > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_sums_of_numbers_with_units() {
        for (text, ms) in [
            ("250ms", Some(250)),
            ("5s", Some(5_000)),
            ("1h30m", Some(5_400_000)),
            ("72h", Some(259_200_000)),
            ("2d", Some(172_800_000)),
            ("0s", Some(0)),
            ("", None),
            ("5", None),
            ("s", None),
            ("5 s", None),
            ("-5s", None),
            ("5秒", None),
            ("99999999999999999999s", None),
            ("18446744073709551615d", None),
        ] {
            assert_eq!(duration_ms(text), ms, "{text}");
        }
    }

    #[test]
    fn instants_are_clock_times_or_after_the_start() {
        let eight = 8 * 3_600_000;
        for (text, ms) in [
            ("08:20", Some(1_200_000)),
            ("8:00", Some(0)),
            ("08:00:01", Some(1_000)),
            ("07:59", None),
            ("24:00", None),
            ("08:60", None),
            ("T+0:18", Some(1_080_000)),
            ("T+00:18:30", Some(1_110_000)),
            ("T+72:00", Some(259_200_000)),
            ("T+72h", Some(259_200_000)),
            ("T+", None),
            ("T-1s", None),
            ("noon", None),
            ("8:2", None),
            ("1:2:3:4", None),
        ] {
            assert_eq!(instant_ms(text, eight), ms, "{text}");
        }
    }

    #[test]
    fn jumps_have_a_sign_and_speeds_a_unit() {
        assert_eq!(jump_ms("+3h"), Some(10_800_000));
        assert_eq!(jump_ms("-10m"), Some(-600_000));
        assert_eq!(jump_ms("10m"), None);
        assert_eq!(bits_a_second("64kbit/s"), Some(64_000));
        assert_eq!(bits_a_second("10Mbit/s"), Some(10_000_000));
        for text in ["10", "0kbit/s", "fast", "-1kbit/s", "99999999999999999999Mbit/s"] {
            assert_eq!(bits_a_second(text), None, "{text}");
        }
    }
}
