//! Characters that look like nothing, and digits of all scripts.

/// The zeros of the decimal digits (general category Nd) that NFKC leaves as they are, in ascending order: `UnicodeData.txt` of
/// Unicode 17. The digits of a script follow each other.
const ZEROS: [char; 67] = [
    '\u{660}',
    '\u{6f0}',
    '\u{7c0}',
    '\u{966}',
    '\u{9e6}',
    '\u{a66}',
    '\u{ae6}',
    '\u{b66}',
    '\u{be6}',
    '\u{c66}',
    '\u{ce6}',
    '\u{d66}',
    '\u{de6}',
    '\u{e50}',
    '\u{ed0}',
    '\u{f20}',
    '\u{1040}',
    '\u{1090}',
    '\u{17e0}',
    '\u{1810}',
    '\u{1946}',
    '\u{19d0}',
    '\u{1a80}',
    '\u{1a90}',
    '\u{1b50}',
    '\u{1bb0}',
    '\u{1c40}',
    '\u{1c50}',
    '\u{a620}',
    '\u{a8d0}',
    '\u{a900}',
    '\u{a9d0}',
    '\u{a9f0}',
    '\u{aa50}',
    '\u{abf0}',
    '\u{104a0}',
    '\u{10d30}',
    '\u{10d40}',
    '\u{11066}',
    '\u{110f0}',
    '\u{11136}',
    '\u{111d0}',
    '\u{112f0}',
    '\u{11450}',
    '\u{114d0}',
    '\u{11650}',
    '\u{116c0}',
    '\u{116d0}',
    '\u{116da}',
    '\u{11730}',
    '\u{118e0}',
    '\u{11950}',
    '\u{11bf0}',
    '\u{11c50}',
    '\u{11d50}',
    '\u{11da0}',
    '\u{11de0}',
    '\u{11f50}',
    '\u{16a60}',
    '\u{16ac0}',
    '\u{16b50}',
    '\u{16d70}',
    '\u{1e140}',
    '\u{1e2f0}',
    '\u{1e4f0}',
    '\u{1e5f1}',
    '\u{1e950}',
];

/// Control characters, and characters that show nothing, hide the text around them or change its direction: those with the property
/// Default_Ignorable_Code_Point (`DerivedCoreProperties.txt` of Unicode 17), the separators of lines and paragraphs, the marks of
/// annotations, the null notehead, and the format characters of hieroglyphs.
pub fn is_invisible(c: char) -> bool {
    c.is_control() || is_default_ignorable(c) || is_other_invisible(c)
}

fn is_default_ignorable(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

fn is_other_invisible(c: char) -> bool {
    matches!(c, '\u{2028}'..='\u{2029}' | '\u{fff9}'..='\u{fffb}' | '\u{13430}'..='\u{1345f}' | '\u{1d159}')
}

/// The ASCII digit of the same value, for a decimal digit of another script; any other character as it is.
pub(super) fn with_ascii_digit(c: char) -> char {
    let at_or_before = ZEROS.partition_point(|zero| *zero <= c);
    let Some(zero) = at_or_before.checked_sub(1).and_then(|at| ZEROS.get(at)) else { return c };
    char::from_digit(u32::from(c) - u32::from(*zero), 10).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_code_points_with_the_property_are_invisible() {
        let with_property = ('\0'..=char::MAX).filter(|c| is_default_ignorable(*c));
        assert_eq!(with_property.count(), 4174, "as many as DerivedCoreProperties.txt counts");
        for invisible in
            ['\0', '\u{7f}', '\u{17b4}', '\u{180f}', '\u{fff0}', '\u{1d159}', '\u{1d17a}', '\u{13440}']
        {
            assert!(is_invisible(invisible), "{invisible:?}");
        }
        for visible in ['a', ' ', '\u{200a}', '\u{3042}', '\u{13460}', '\u{1f511}'] {
            assert!(!is_invisible(visible), "{visible:?}");
        }
    }

    #[test]
    fn digits_of_all_scripts_have_their_values() {
        assert!(ZEROS.is_sorted());
        let digits: String =
            "\u{660}\u{669}\u{967}\u{1e5fa}07ax\u{66a}".chars().map(with_ascii_digit).collect();
        assert_eq!(digits, "091907ax\u{66a}");
    }
}
