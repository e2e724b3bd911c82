//! How the operator's pages look.

use std::fmt;

use super::Color;

/// The name, the logo and the colour of the pages on which users log in.
#[derive(Clone, Debug)]
pub struct Brand {
    /// The name.
    pub name: String,
    /// The colour of the buttons.
    pub color: Color,
    /// The logo; `None`: the logo of this program.
    pub logo: Option<Logo>,
}

/// A picture in a form that every browser shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Logo {
    /// Its form.
    pub form: LogoForm,
    /// The content of its file.
    pub bytes: Vec<u8>,
}

/// The form of a logo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogoForm {
    /// Scalable Vector Graphics.
    Svg,
    /// Portable Network Graphics.
    Png,
    /// WebP.
    WebP,
}

/// A file that is not a logo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogoError {
    /// Too large to be loaded with each page.
    #[error("must name a file of at most 256 KiB")]
    TooLarge,
    /// In another form.
    #[error("must name an SVG, PNG or WebP picture")]
    Form,
}

impl Logo {
    const MAX_BYTES: usize = 256 * 1024;

    /// Reads the content of a file.
    ///
    /// # Errors
    /// [`LogoError`].
    pub fn parse(bytes: Vec<u8>) -> Result<Self, LogoError> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(LogoError::TooLarge);
        }
        let is_svg = || std::str::from_utf8(&bytes).is_ok_and(|text| text.contains("<svg"));
        let form = match bytes.as_slice() {
            [0x89, b'P', b'N', b'G', ..] => LogoForm::Png,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => LogoForm::WebP,
            _ if is_svg() => LogoForm::Svg,
            _ => return Err(LogoError::Form),
        };
        Ok(Self { form, bytes })
    }
}

impl fmt::Debug for Logo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Logo({:?}, {} bytes)", self.form, self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::{Logo, LogoError, LogoForm};

    #[test]
    fn the_form_of_a_logo_is_that_of_its_content() {
        let form = |bytes: &[u8]| Logo::parse(bytes.to_vec()).map(|logo| logo.form);
        assert_eq!(
            form(b"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
            Ok(LogoForm::Svg)
        );
        assert_eq!(form(b"\x89PNG\r\n\x1a\n"), Ok(LogoForm::Png));
        assert_eq!(form(b"RIFF\0\0\0\0WEBPVP8 "), Ok(LogoForm::WebP));
        assert_eq!(form(b"GIF89a"), Err(LogoError::Form));
        assert_eq!(form(b"<html>"), Err(LogoError::Form));
        assert_eq!(form(&vec![b' '; 256 * 1024 + 1]), Err(LogoError::TooLarge));
    }
}
