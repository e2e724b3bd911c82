//! Takes an answer to the client (RFC 6749 §4.1.2), with `iss` (RFC 9207).

use http::StatusCode;

use super::messages::fill;
use super::policy::{Needs, POST_FORM, see_other};
use super::templates::FormPostPage;
use super::visit::{FormOf, Visit};
use crate::domain::Secret;
use crate::http::Answer;
use crate::http::refusal::ToldRefusal;
use crate::oauth::{AnswerTarget, ErrorForClient, ResponseMode, origin_of};

/// A code.
pub(super) fn code(visit: &Visit, target: &AnswerTarget, code: &Secret<String>) -> Answer {
    send(visit, target, vec![("code", code.expose().clone())])
}

/// An error.
pub(super) fn error(visit: &Visit, target: &AnswerTarget, error: &ErrorForClient) -> Answer {
    // RFC 6749 §4.1.2.1 allows these characters only.
    let plain = |c: char| if matches!(c, ' '..='~') && c != '"' && c != '\\' { c } else { '?' };
    let sentence = error.sentence.chars().map(plain).collect();
    let fields = vec![("error", error.code.to_owned()), ("error_description", sentence)];
    let mut response = send(visit, target, fields)?;
    ToldRefusal::mark_with(&mut response, error.code, &error.sentence);
    Ok(response)
}

fn send(visit: &Visit, target: &AnswerTarget, mut fields: Vec<(&'static str, String)>) -> Answer {
    if let Some(state) = &target.state {
        fields.push(("state", state.clone()));
    }
    fields.push(("iss", visit.issuer()?.as_str().to_owned()));
    match target.mode {
        ResponseMode::Query => see_other(&with_fields(&target.redirect_uri, &fields)),
        ResponseMode::FormPost => form_post(visit, target, &fields),
    }
}

fn with_fields(redirect_uri: &str, fields: &[(&'static str, String)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(fields);
    format!("{redirect_uri}{}{}", if redirect_uri.contains('?') { '&' } else { '?' }, query.finish())
}

fn form_post(visit: &Visit, target: &AnswerTarget, fields: &[(&'static str, String)]) -> Answer {
    let (m, origin) = (visit.messages(), origin_of(target));
    let page = FormPostPage {
        frame: &visit.frame(FormOf::Browser)?,
        m,
        returning: fill(m.returning, &origin),
        redirect_uri: &target.redirect_uri,
        fields,
        script: POST_FORM,
    };
    visit.page(StatusCode::OK, &page, Needs { form_target: Some(&origin), posts_form: true })
}
