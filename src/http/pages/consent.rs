//! `/oauth/consent`: whether an app may use the account.

use http::StatusCode;

use super::authorize::request_in_query;
use super::flow::{Flow, advance, grant, query_of, refuse};
use super::messages::{Messages, fill};
use super::policy::Needs;
use super::templates::ConsentPage;
use super::to_client;
use super::visit::{FormOf, Visit};
use crate::domain::Scopes;
use crate::http::extract::Fields;
use crate::http::{Answer, Api, Call};
use crate::oauth::{AuthorizationRequest, AuthorizationStep, ErrorForClient, origin_of};

pub(in crate::http) async fn get_consent_page(api: Api, call: Call) -> Answer {
    let mut visit = Visit::begin(&api, &call.caller, call.request.headers()).await?;
    let (sealed, page, request) = Flow::required(&mut visit, request_in_query(&call)?)?;
    let authorization = match api.oauth.authorize(request, &page, visit.session.as_ref()).await {
        Ok(authorization) => authorization,
        Err(error) => return refuse(&visit, error),
    };
    match authorization.step {
        AuthorizationStep::AskConsent => show(&visit, &sealed, &authorization.request),
        _ => advance(&visit, &page, authorization.request).await,
    }
}

pub(in crate::http) async fn answer_consent(api: Api, call: Call) -> Answer {
    let Call { caller, request, .. } = call;
    let mut visit = Visit::begin(&api, &caller, request.headers()).await?;
    let fields = Fields::read(request, &caller, &api).await?;
    visit.check_form(FormOf::Session, fields.text("csrf")?.as_deref())?;
    let sealed = fields.text("request")?.unwrap_or_default();
    let (sealed, page, request) = Flow::required(&mut visit, sealed)?;
    let authorization = match api.oauth.authorize(request, &page, visit.session.as_ref()).await {
        Ok(authorization) => authorization,
        Err(error) => return refuse(&visit, error),
    };
    let request = authorization.request;
    if !matches!(authorization.step, AuthorizationStep::AskConsent | AuthorizationStep::Grant) {
        return advance(&visit, &page, request).await;
    }
    let was_shown = fields.text("shown")?.is_some_and(|shown| shown == asked(&request));
    match fields.text("answer")?.as_deref() {
        Some("allow") if was_shown => {
            api.oauth.give_consent(&caller, visit.live()?, &request).await?;
            grant(&visit, &request).await
        }
        Some("deny") => {
            let denied = ErrorForClient::new("access_denied", "the user did not permit it");
            to_client::error(&visit, &request.target, &denied)
        }
        _ => visit.go_on_at(&format!("/oauth/consent{}", query_of(&sealed))),
    }
}

fn show(visit: &Visit, sealed: &str, request: &AuthorizationRequest) -> Answer {
    let (m, name, origin) = (visit.messages(), request.client.display_name(), origin_of(&request.target));
    let page = ConsentPage {
        frame: &visit.frame(FormOf::Session)?,
        m,
        heading: fill(m.consent, name),
        logged_in_as: fill(m.logged_in_as, &visit.live()?.user.username),
        list_lead: fill(m.consent_list, name),
        scopes: permissions_in_words(m, &request.permissions, &request.resources),
        shown: asked(request),
        target: fill(m.consent_target, &origin),
        request: sealed,
        query: query_of(sealed),
    };
    visit.page(StatusCode::OK, &page, Needs { form_target: Some(&origin), posts_form: false })
}

/// Everything that the user is asked for, in one text: an answer counts only for what was shown. Two spaces occur in no list of
/// scopes.
fn asked(request: &AuthorizationRequest) -> String {
    format!("{}  {}", request.permissions, request.resources.join(" "))
}

/// What these scopes permit, and where.
pub(super) fn permissions_in_words(
    m: &'static Messages,
    scopes: &Scopes,
    resources: &[String],
) -> Vec<String> {
    let scopes = scopes.iter().map(|scope| in_words(m, scope));
    scopes.chain(resources.iter().map(|resource| fill(m.at_resource, resource))).collect()
}

/// What a scope permits.
fn in_words(m: &'static Messages, scope: &str) -> String {
    match scope {
        "openid" => m.scope_openid.to_owned(),
        "profile" => m.scope_profile.to_owned(),
        "email" => m.scope_email.to_owned(),
        "address" => m.scope_address.to_owned(),
        "phone" => m.scope_phone.to_owned(),
        "offline_access" => m.scope_offline.to_owned(),
        other => fill(m.scope_other, other),
    }
}
