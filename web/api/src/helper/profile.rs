//! The configuration profile by which iPhones, iPads and Macs take a certificate (Apple, "Configuration Profile Reference").

use data_encoding::BASE64;

use super::template::fill;

const PROFILE: &str = include_str!("assets/profile.xml");

/// A profile with the authority's certificate alone. The same certificate gives the same identifiers, so that installing
/// it again replaces it.
pub fn xml(organisation: &str, authority: &[u8]) -> String {
    let id = |part: &str| {
        let mut hasher = blake3::Hasher::new();
        hasher.update(part.as_bytes());
        hasher.update(authority);
        let mut bytes = [0; 16];
        hasher.finalize_xof().fill(&mut bytes);
        uuid::Builder::from_custom_bytes(bytes).into_uuid().hyphenated().to_string().to_uppercase()
    };
    let (profile, payload) = (id("noroshi/profile/1"), id("noroshi/profile-payload/1"));
    let content = BASE64.encode(authority);
    let values = [("organisation", organisation), ("profile", &profile), ("payload", &payload), ("content", &content)];
    fill(PROFILE, &values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_names_the_organisation_and_holds_the_certificate() {
        let (one, again, other) = (xml("朝凪<市>", b"der"), xml("朝凪<市>", b"der"), xml("朝凪<市>", b"another"));
        assert!(one.contains("朝凪&lt;市&gt;") && one.contains("<data>ZGVy</data>") && !one.contains("{{"), "{one}");
        assert!(one.contains("<string>com.apple.security.root</string>"));
        assert_eq!(one, again);
        assert_ne!(one, other);
    }
}
