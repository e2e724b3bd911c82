//! `docs/authorizer.md` against the code.

use jwt_authorizer::{Denial, SETTINGS};

use crate::support::read;

#[test]
fn the_documents_table_of_settings_is_the_one_in_the_code() {
    let text = read("docs/authorizer.md");
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with("| `AUTHORIZER_")).collect();
    let expected: Vec<_> = SETTINGS
        .iter()
        .map(|setting| {
            let default =
                if setting.default.is_empty() { "–".to_owned() } else { format!("`{}`", setting.default) };
            format!("| `{}` | {default} | {} |", setting.name, setting.about)
        })
        .collect();
    assert_eq!(rows, expected);
}

#[test]
fn the_document_names_every_reason_of_a_denial() {
    let text = read("docs/authorizer.md");
    let rejections = [
        jose::Rejection::Malformed,
        jose::Rejection::UnsupportedAlg,
        jose::Rejection::UnknownKey,
        jose::Rejection::BadSignature,
        jose::Rejection::Expired,
        jose::Rejection::NotYetValid,
        jose::Rejection::WrongIssuer,
        jose::Rejection::WrongAudience,
        jose::Rejection::InvalidClaim("typ"),
        jose::Rejection::UnsupportedCrit,
    ];
    let own = [
        Denial::UnknownEvent,
        Denial::NoToken,
        Denial::SeveralTokens,
        Denial::IdentitySource,
        Denial::UnknownIssuer,
        Denial::SenderConstrained,
        Denial::DemoToken,
        Denial::MissingScope,
        Denial::MissingClaim,
        Denial::KeysUnavailable,
    ];
    for denial in rejections.map(Denial::Token).into_iter().chain(own) {
        assert!(text.contains(&format!("| `{}` |", denial.code())), "{} is missing", denial.code());
    }
}
