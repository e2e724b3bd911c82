//! The language of a page: by `ui_locales` (OpenID Connect Core §3.1.2.1), then by `Accept-Language` (RFC 9110 §12.5.4).

use http::header::{ACCEPT_LANGUAGE, HeaderMap};

/// A language of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::http) enum Language {
    /// English, if a user asks for no language that the pages have.
    #[default]
    English,
    /// German.
    German,
    /// French.
    French,
    /// Spanish.
    Spanish,
    /// Japanese.
    Japanese,
}

impl Language {
    /// Every language.
    pub(super) const ALL: [Self; 5] =
        [Self::English, Self::German, Self::French, Self::Spanish, Self::Japanese];
    /// More languages in one header or parameter are not read.
    const MAX_ASKED: usize = 32;

    /// Its tag (RFC 5646).
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Spanish => "es",
            Self::Japanese => "ja",
        }
    }

    /// The language that the browser prefers.
    pub(in crate::http) fn accepted(headers: &HeaderMap) -> Self {
        Self::preferred(headers).unwrap_or_default()
    }

    /// The first language of `ui_locales` that the pages have.
    pub(super) fn of_locales(ui_locales: &str) -> Option<Self> {
        ui_locales.split(' ').take(Self::MAX_ASKED).find_map(Self::of_tag)
    }

    fn preferred(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?;
        let mut best = None;
        for range in text.split(',').take(Self::MAX_ASKED) {
            let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
            let weight: f32 = weight.trim().strip_prefix("q=")?.parse().ok()?;
            let language = if tag.trim() == "*" { Some(Self::default()) } else { Self::of_tag(tag) };
            if let Some(language) = language
                && weight > best.map_or(0.0, |(_, best)| best)
            {
                best = Some((language, weight));
            }
        }
        best.map(|(language, _)| language)
    }

    /// The language of a tag, whatever region the tag names.
    fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }
}

#[cfg(test)]
mod tests {
    use http::header::{ACCEPT_LANGUAGE, HeaderMap, HeaderValue};

    use super::Language;

    fn chosen(ui_locales: Option<&str>, accepted: &'static str) -> Language {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static(accepted));
        ui_locales.and_then(Language::of_locales).unwrap_or_else(|| Language::accepted(&headers))
    }

    #[test]
    fn the_app_chooses_before_the_browser() {
        assert_eq!(chosen(Some("it fr-CA de"), "es"), Language::French);
        assert_eq!(chosen(Some("it"), "es"), Language::Spanish);
        assert_eq!(chosen(None, "it"), Language::English);
        assert_eq!(Language::accepted(&HeaderMap::new()), Language::English);
    }

    #[test]
    fn the_language_with_the_greatest_weight_counts() {
        for (accepted, expected) in [
            ("de-CH, en;q=0.9", Language::German),
            ("en;q=0.4, ja;q=0.5", Language::Japanese),
            ("it, fr;q=0.1, *;q=0.05", Language::French),
            ("it, *;q=0.5", Language::English),
            ("de;q=0", Language::English),
            ("DE", Language::German),
            ("de;q=x", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(chosen(None, accepted), expected, "{accepted}");
        }
    }
}
