//! A colour as CSS writes it.

use std::fmt;

/// A colour without transparency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color([u8; 3]);

/// A text that is not a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a colour of six hex digits, such as `#1d4ed8`")]
pub struct ColorError;

impl Color {
    /// Reads `#` and six hex digits.
    ///
    /// # Errors
    /// [`ColorError`].
    pub fn parse(text: &str) -> Result<Self, ColorError> {
        let digits = text.strip_prefix('#').ok_or(ColorError)?;
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ColorError);
        }
        let number = u32::from_str_radix(digits, 16).map_err(|_| ColorError)?;
        let [_, red, green, blue] = number.to_be_bytes();
        Ok(Self([red, green, blue]))
    }

    /// Black or white, whichever is easier to read on this colour. One of them always has the contrast of 4.5 that WCAG 2.2
    /// §1.4.3 asks for.
    pub fn readable_ink(self) -> Self {
        let luminance = self.luminance();
        let (on_white, on_black) = (1.05 / (luminance + 0.05), (luminance + 0.05) / 0.05);
        if on_white >= on_black { Self([0xFF; 3]) } else { Self([0; 3]) }
    }

    /// WCAG 2.2, "relative luminance".
    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = self.0.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::{Color, ColorError};

    #[test]
    fn a_colour_reads_back_in_lower_case() {
        assert_eq!(Color::parse("#1D4ed8").map(|color| color.to_string()).as_deref(), Ok("#1d4ed8"));
        for text in ["", "1d4ed8", "#1d4", "#1d4ed8ff", "#+d4ed8", "red", "#1d4ed8;}"] {
            assert_eq!(Color::parse(text), Err(ColorError), "{text}");
        }
    }

    #[test]
    fn text_on_a_colour_has_enough_contrast() {
        for (color, ink) in
            [("#1d4ed8", "#ffffff"), ("#ffd500", "#000000"), ("#000000", "#ffffff"), ("#ffffff", "#000000")]
        {
            assert_eq!(Color::parse(color).unwrap().readable_ink().to_string(), ink);
        }
        for number in (0..=0xFF_FFFF).step_by(4_099) {
            let color = Color::parse(&format!("#{number:06x}")).unwrap();
            let (one, other) = (color.luminance(), color.readable_ink().luminance());
            let contrast = (one.max(other) + 0.05) / (one.min(other) + 0.05);
            assert!(contrast >= 4.5, "{color}: {contrast}");
        }
    }
}
