//! How a text becomes another in few operations, so that two offices' edits of one text both survive.

use unicode_segmentation::UnicodeSegmentation;

use super::limits::{TEXT_DIFFERENCE_MAX, TEXT_OPERATIONS_MAX};

/// The way from one text to another. Positions and lengths are in characters (Unicode scalar values).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextChange {
    Nothing,
    /// Small enough to be compared character by character: only what differs is touched, at several places if need be.
    Pieces,
    /// One piece is replaced by another.
    Splice {
        at: usize,
        removed: usize,
        inserted: String,
    },
    /// More would go and come than one change may carry.
    Anew,
}

/// Compares by what people see as one character, so that no sign is cut into its parts.
pub fn text_change(old: &str, new: &str) -> TextChange {
    if old == new {
        return TextChange::Nothing;
    }
    let before: Vec<&str> = old.graphemes(true).collect();
    let after: Vec<&str> = new.graphemes(true).collect();
    let prefix = common(before.iter(), after.iter());
    let (before_rest, after_rest) = (rest(&before, prefix), rest(&after, prefix));
    let suffix = common(before_rest.iter().rev(), after_rest.iter().rev());
    let removed = before_rest.split_at(before_rest.len() - suffix).0;
    let inserted = after_rest.split_at(after_rest.len() - suffix).0;
    if chars(removed) + chars(inserted) > TEXT_OPERATIONS_MAX {
        return TextChange::Anew;
    }
    if removed.len() * inserted.len() <= TEXT_DIFFERENCE_MAX {
        return TextChange::Pieces;
    }
    TextChange::Splice { at: chars(before.split_at(prefix).0), removed: chars(removed), inserted: inserted.concat() }
}

/// The beginning of `text` within `chars_max` characters, not cutting what people see as one.
pub fn beginning(text: &str, chars_max: usize) -> &str {
    let mut left = chars_max;
    let mut end = 0;
    for (start, grapheme) in text.grapheme_indices(true) {
        let Some(still_left) = left.checked_sub(grapheme.chars().count()) else { break };
        left = still_left;
        end = start + grapheme.len();
    }
    text.split_at_checked(end).map_or(text, |(beginning, _)| beginning)
}

fn rest<'a, 'b>(graphemes: &'b [&'a str], from: usize) -> &'b [&'a str] {
    graphemes.split_at(from).1
}

fn common<'a>(a: impl Iterator<Item = &'a &'a str>, b: impl Iterator<Item = &'a &'a str>) -> usize {
    a.zip(b).take_while(|(a, b)| a == b).count()
}

fn chars(graphemes: &[&str]) -> usize {
    graphemes.iter().map(|grapheme| grapheme.chars().count()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn different(chars: usize, from: u32) -> String {
        (from..).filter_map(char::from_u32).take(chars).collect()
    }

    #[test]
    fn small_differences_are_looked_at_closely() {
        assert_eq!(text_change("水位", "水位"), TextChange::Nothing);
        assert_eq!(text_change("", "水位"), TextChange::Pieces);
        assert_eq!(text_change("水位", ""), TextChange::Pieces);
        assert_eq!(text_change(&different(500, 0x4e00), &different(500, 0x6000)), TextChange::Pieces);
    }

    #[test]
    fn large_differences_are_one_piece_between_what_stayed() {
        let (removed, inserted) = (different(501, 0x4e00), different(500, 0x6000));
        let change = text_change(&format!("前👩‍🚒{removed}後"), &format!("前👩‍🚒{inserted}後"));
        assert_eq!(change, TextChange::Splice { at: 4, removed: 501, inserted });
    }

    #[test]
    fn a_difference_of_more_than_4000_operations_begins_anew() {
        let (old, new) = (different(2_000, 0x4e00), different(2_000, 0x6000));
        assert!(matches!(text_change(&old, &new), TextChange::Splice { .. }));
        assert_eq!(text_change(&format!("{old}一"), &new), TextChange::Anew);
    }

    #[test]
    fn a_text_is_cut_between_signs() {
        assert_eq!(beginning("水位", 5), "水位");
        assert_eq!(beginning("水位計", 2), "水位");
        // A fire fighter is three characters.
        assert_eq!(beginning("担当👩‍🚒", 4), "担当");
        assert_eq!(beginning("担当👩‍🚒", 5), "担当👩‍🚒");
        assert_eq!(beginning("か\u{3099}", 1), "");
    }
}
