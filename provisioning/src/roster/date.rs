//! Days as personnel systems write them: 2027-04-01, 2027/4/1, 20270401, R9.4.1, 令和9年4月1日.

use time::{Date, Month};
use unicode_normalization::UnicodeNormalization;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Japan's clock is nine hours ahead, all year, since 1951.
const JAPAN_MS: i64 = 9 * 60 * 60 * 1_000;

/// A day in Japan.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Day(Date);

impl Day {
    /// `None` for what is no day between 1900 and 9999.
    pub fn parse(text: &str) -> Option<Self> {
        let text: String = text.nfkc().filter(|c| !c.is_whitespace()).collect();
        // Of a moment the day; a workbook has days as midnight.
        let text = text.strip_suffix("00:00:00").or_else(|| text.strip_suffix("0:00")).unwrap_or(&text);
        if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let (year, rest) = text.split_at_checked(4)?;
            let (month, day) = rest.split_at_checked(2)?;
            return Self::of(year, month, day);
        }
        let (era, rest) = era(text);
        let parts: Vec<&str> = rest.trim_end_matches('日').split(['-', '/', '.', '年', '月']).collect();
        let [year, month, day] = parts.as_slice() else { return None };
        match era {
            None => Self::of(year, month, day),
            Some(before) => {
                let year: i32 = if *year == "元" { 1 } else { number(year, 2)? };
                (year >= 1).then_some(())?;
                Self::of(&(before + year).to_string(), month, day)
            }
        }
    }

    fn of(year: &str, month: &str, day: &str) -> Option<Self> {
        let year = if year.len() == 4 { number(year, 4)? } else { return None };
        let month = Month::try_from(u8::try_from(number(month, 2)?).ok()?).ok()?;
        let date = Date::from_calendar_date(year, month, u8::try_from(number(day, 2)?).ok()?).ok()?;
        (year >= 1900).then_some(Self(date))
    }

    /// When the day begins in Japan, milliseconds since 1970; `None` for days before that.
    pub fn begins_ms(self) -> Option<u64> {
        let days = i64::from(self.0.to_julian_day()) - EPOCH_JULIAN_DAY;
        u64::try_from(days * DAY_MS - JAPAN_MS).ok()
    }

    /// The last second of the day, 23:59:59, which forms write as well and which every page shows as this day.
    pub fn ends_ms(self) -> Option<u64> {
        self.begins_ms().map(|begins| begins + DAY_MS.unsigned_abs() - 1_000)
    }

    /// Systems that must write something write a day that nobody lives to see.
    pub fn is_never(self) -> bool {
        self.0.year() >= 2099
    }
}

/// 1970-01-01.
const EPOCH_JULIAN_DAY: i64 = 2_440_588;

/// The day of a moment in Japan as it is written in lists: 2027-04-01.
pub(super) fn day_of_ms(ms: u64) -> String {
    let days = (i64::try_from(ms).unwrap_or(i64::MAX - JAPAN_MS) + JAPAN_MS).div_euclid(DAY_MS) + EPOCH_JULIAN_DAY;
    let date = i32::try_from(days).ok().and_then(|days| Date::from_julian_day(days).ok());
    date.map_or_else(String::new, |date| format!("{:04}-{:02}-{:02}", date.year(), u8::from(date.month()), date.day()))
}

/// The year before the first of the era, and the rest.
fn era(text: &str) -> (Option<i32>, &str) {
    for (names, before) in [(["令和", "R", "r"], 2018), (["平成", "H", "h"], 1988), (["昭和", "S", "s"], 1925)] {
        if let Some(rest) = names.iter().find_map(|name| text.strip_prefix(name)) {
            return (Some(before), rest);
        }
    }
    (None, text)
}

fn number(text: &str, digits_max: usize) -> Option<i32> {
    let digits = (1..=digits_max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_day_has_many_spellings() {
        // 2027-03-31T15:00:00Z.
        let april = 1_806_505_200_000;
        for text in [
            "2027-04-01",
            "2027/4/1",
            "2027.4.1",
            "20270401",
            "２０２７年４月１日",
            "2027年4月1日",
            "R9.4.1",
            "r9/4/1",
            "Ｒ９．４．１",
            "令和9年4月1日",
            "令和９年４月１日",
            " 2027/04/01 ",
            "2027/04/01 0:00",
            "2027-04-01 00:00:00",
        ] {
            assert_eq!(Day::parse(text).and_then(Day::begins_ms), Some(april), "{text}");
        }
        assert_eq!(Day::parse("2027-03-31").and_then(Day::ends_ms), Some(april - 1_000));
        assert_eq!(Day::parse("令和元年5月1日"), Day::parse("2019-05-01"));
        assert_eq!(Day::parse("H31.4.30"), Day::parse("2019-04-30"));
        assert_eq!(Day::parse("昭和64年1月7日"), Day::parse("1989-01-07"));
        assert_eq!(Day::parse("2028-02-29").and_then(Day::begins_ms).map(day_of_ms).as_deref(), Some("2028-02-29"));
        assert!(Day::parse("9999-12-31").is_some_and(Day::is_never));
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in [
            "",
            "4/1",
            "27/4/1",
            "2027-13-01",
            "2027-02-29",
            "2027-00-01",
            "2027/4/31",
            "46113",
            "R9.4",
            "X9.4.1",
            "R0.4.1",
            "2027-4-1-1",
            "2027/4",
            "4月1日",
            "20270431",
            "令和年4月1日",
            "-2027-4-1",
            "2027-+4-1",
        ] {
            assert_eq!(Day::parse(text), None, "{text}");
        }
    }
}
