//! What a request object (OpenID Connect Core §6) says about the answer to its request. The service does not support such objects. But
//! the refusal must reach the client as the client expects it, and some clients give `state` and `response_mode` only in the object.

use serde_json::Value;

use super::Params;

/// The parameters of an answer that stand in a request object. Its signature is not checked: the answer goes to a redirect URI
/// that the client registered, and contains nothing but an error.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct AnswerParams {
    pub(super) state: Option<String>,
    pub(super) response_mode: Option<String>,
}

impl AnswerParams {
    /// Those of the object in the parameter `request`. An object that cannot be read has none.
    pub(super) fn of_object(params: &Params) -> Self {
        let object = params.get("request").and_then(|object| jose::decode_unverified(object).ok());
        let claims: Value =
            object.and_then(|(_, claims)| serde_json::from_str(&claims).ok()).unwrap_or_default();
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        Self { state: text("state"), response_mode: text("response_mode") }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::AnswerParams;
    use crate::domain::Secret;
    use crate::oauth::Params;

    fn read(object: &str) -> AnswerParams {
        let params = vec![("request".to_owned(), Secret::new(object.to_owned()))];
        AnswerParams::of_object(&Params::new(params).unwrap())
    }

    fn object(header: &str, claims: &str, signature: &str) -> String {
        format!("{}.{}.{signature}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_signed_object_and_an_unsigned_one_are_read() {
        let claims = r#"{"state":"s","response_mode":"form_post","nonce":"n"}"#;
        let expected =
            AnswerParams { state: Some("s".to_owned()), response_mode: Some("form_post".to_owned()) };
        assert_eq!(read(&object(r#"{"alg":"none"}"#, claims, "")), expected);
        assert_eq!(read(&object(r#"{"alg":"RS256","kid":"k"}"#, claims, "c2ln")), expected);
    }

    #[test]
    fn what_is_no_object_or_no_text_says_nothing() {
        let none = r#"{"alg":"none"}"#;
        for text in ["x", "x.y.z", "a.b.c.d.e", &object(none, "[]", ""), &object(none, r#"{"state":1}"#, "")]
        {
            assert_eq!(read(text), AnswerParams::default(), "{text}");
        }
        assert_eq!(AnswerParams::of_object(&Params::default()), AnswerParams::default());
    }
}
