//! `/oauth/choose`: with which account the user wants to go on (`prompt=select_account`).

use http::StatusCode;

use super::authorize::request_in_query;
use super::flow::{Flow, query_of};
use super::messages::fill;
use super::policy::Needs;
use super::templates::ChoosePage;
use super::visit::{FormOf, Visit};
use crate::http::{Answer, Api, Call};
use crate::oauth::origin_of;

pub(in crate::http) async fn get_account_choice_page(api: Api, call: Call) -> Answer {
    let mut visit = Visit::begin(&api, &call.caller, call.request.headers()).await?;
    let (sealed, _, request) = Flow::required(&mut visit, request_in_query(&call)?)?;
    let Some(live) = &visit.session else {
        return visit.go_on_at(&format!("/oauth/login{}", query_of(&sealed)));
    };
    let m = visit.messages();
    let page = ChoosePage {
        frame: &visit.frame(FormOf::Session)?,
        m,
        lead: fill(m.choose_account_for, request.client.display_name()),
        request: &sealed,
        query: query_of(&sealed),
        continue_as: fill(m.continue_as, &live.user.username),
    };
    let origin = origin_of(&request.target);
    visit.page(StatusCode::OK, &page, Needs { form_target: Some(&origin), posts_form: false })
}
