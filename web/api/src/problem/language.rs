//! The language of a person, from `Accept-Language`.

use http::{HeaderMap, header};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Japanese,
    English,
}

impl Language {
    /// The one of our two that the person prefers; Japanese when nothing is said.
    pub fn of(headers: &HeaderMap) -> Self {
        let wishes = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut best = (0, Self::Japanese);
        for wish in wishes.split(',') {
            let Some((weight, language)) = wish_of(wish) else { continue };
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }

    /// For `Content-Language`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Japanese => "ja",
            Self::English => "en",
        }
    }
}

/// One element such as `en-GB;q=0.8`; the weight in thousandths.
fn wish_of(text: &str) -> Option<(u32, Language)> {
    let mut parts = text.split(';');
    let tag = parts.next()?.trim().to_ascii_lowercase();
    let language = match tag.split('-').next()? {
        "ja" | "*" => Language::Japanese,
        "en" => Language::English,
        _ => return None,
    };
    let weight = parts.find_map(|part| part.trim().strip_prefix("q=")).map_or(Some(1.0), |q| q.parse::<f32>().ok())?;
    Some(((weight.clamp(0.0, 1.0) * 1000.0) as u32, language))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stronger_wish_wins() {
        for (header, expected) in [
            ("", Language::Japanese),
            ("ja", Language::Japanese),
            ("en", Language::English),
            ("en-US,en;q=0.9,ja;q=0.8", Language::English),
            ("ja,en-US;q=0.9", Language::Japanese),
            ("fr-FR, en;q=0.3", Language::English),
            ("fr", Language::Japanese),
            ("en;q=0, ja;q=0.1", Language::Japanese),
            ("en;q=nonsense", Language::Japanese),
            ("*", Language::Japanese),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, header.parse().unwrap());
            assert_eq!(Language::of(&headers), expected, "{header}");
        }
    }
}
