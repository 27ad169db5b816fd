//! QR codes as SVG, for paper and screens.

use std::fmt::Write as _;

use qrcodegen::{QrCode, QrCodeEcc};

/// Empty modules around the code that scanners need (ISO/IEC 18004).
const QUIET: i32 = 4;

/// A square SVG of the text; scales to its box. `None` for a text of more than about 2,300 bytes.
pub fn svg(text: &str) -> Option<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let side = code.size() + 2 * QUIET;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            // Writing to a String cannot fail.
            let _ = write!(path, "M{} {}h1v1h-1z", x + QUIET, y + QUIET);
        }
    }
    Some(format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" role="img" aria-label="QR" shape-rendering="crispEdges"><rect width="{side}" height="{side}" fill="#fff"/><path fill="#000" d="{path}"/></svg>"##
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_square_dark_on_light_and_has_its_quiet_zone() {
        let svg = svg("http://10.1.2.3/").unwrap();
        // Version 2 has 25 modules a side.
        assert!(svg.contains(r#"viewBox="0 0 33 33""#), "{svg}");
        assert!(svg.contains("M4 4h1") && !svg.contains("M3 ") && !svg.contains("<script"));
    }

    #[test]
    fn a_text_that_is_too_long_has_none() {
        assert!(svg(&"あ".repeat(700)).is_some());
        assert!(svg(&"あ".repeat(1_000)).is_none());
    }
}
