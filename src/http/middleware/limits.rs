//! Rate limits: admits or refuses requests, and adds the headers about their budgets. `RateLimit-Policy` and `RateLimit` are those of
//! draft-ietf-httpapi-ratelimit-headers (September 2025). They show the budgets of the client's address, and of the account or the OAuth client.
//! No header shows a global budget.

use http::HeaderName;
use http::header::{HeaderMap, HeaderValue};

use super::limit_field::Field;
use crate::accounts::Registration;
use crate::domain::{Caller, LoginName, Peer};
use crate::http::operation::Operation;
use crate::http::refusal::{Kind, Refusal};
use crate::http::{Answer, Api};
use crate::limits::{Crowd, Group, Policies, RateLimits, Scope, Verdict};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Admits a request by the budgets of its address and of all clients, before its body is read. A log-in and a registration ask for
/// the budget of all clients later, when their fields were parsed ([`admit_log_in`], [`admit_registration`]): so requests without
/// any do not use it up. Returns the budget of the address, if it has one.
///
/// # Errors
/// 429.
pub(in crate::http) fn admit(
    limits: &RateLimits,
    operation: &Operation,
    caller: &Caller,
) -> Result<Option<Verdict>, Refusal> {
    let Some(group) = operation.limit else { return Ok(None) };
    let of_address = caller.peer.and_then(|peer| limits.take_of_address(group, peer));
    let of_address = of_address.map(judged).transpose()?;
    if !matches!(group, Group::Login | Group::Register) {
        limits.take_of_crowd(group, Crowd::Everyone).map(judged).transpose()?;
    }
    Ok(of_address)
}

/// Admits a registration whose fields are right: by the budgets that its name and its email address have for the client's network,
/// whether users have them or not, and by that of all clients. Returns the budget that has less left, if there is one.
///
/// # Errors
/// 429.
pub(in crate::http) fn admit_registration(
    api: &Api,
    operation: &Operation,
    caller: &Caller,
    registration: &Registration,
) -> Result<Option<Verdict>, Refusal> {
    let Some(group) = operation.limit else { return Ok(None) };
    let network = Peer::of(caller.address).network();
    let take = |account: &str| {
        let account = LoginName::from_text(account).key();
        api.limits.take_of_account_from(group, &account, network).map(judged).transpose()
    };
    let of_name = take(registration.username.as_str())?;
    let of_email = take(registration.email.as_str())?;
    api.limits.take_of_crowd(group, Crowd::Everyone).map(judged).transpose()?;
    Ok([of_name, of_email].into_iter().flatten().min_by_key(|verdict| verdict.remaining))
}

/// Admits a request of an OAuth client that has authenticated. Returns the budget of the client, if it has one.
///
/// # Errors
/// 429.
pub(in crate::http) fn admit_client(
    api: &Api,
    operation: &Operation,
    client: &str,
) -> Result<Option<Verdict>, Refusal> {
    let Some(group) = operation.limit else { return Ok(None) };
    judged_for_account(api, group, Crowd::Everyone, api.limits.take_of_client(group, client))
}

/// Admits a log-in by the budgets of all clients and of its account. If attackers have used them up, an address that the account
/// knows gets budgets of its own, even if this instance has not seen a log-in from there.
///
/// # Errors
/// 429.
pub(in crate::http) async fn admit_log_in(
    api: &Api,
    operation: &Operation,
    caller: &Caller,
    name: &LoginName,
) -> Result<Option<Verdict>, Refusal> {
    let Some(group) = operation.limit else { return Ok(None) };
    let crowd = admit_to_crowd(api, group, caller, name).await?;
    let (account, peer) = (name.key(), Peer::of(caller.address));
    let mut verdict = api.limits.take_of_account(group, &account, peer);
    if verdict.is_some_and(|verdict| !verdict.allowed) && is_known(api, caller, name).await {
        verdict = api.limits.take_of_account(group, &account, peer);
    }
    judged_for_account(api, group, crowd, verdict)
}

/// Takes a log-in from the budget of all clients, or else from that of known addresses. An address that may be that of many clients
/// is no known one here: attackers may have it, too.
async fn admit_to_crowd(
    api: &Api,
    group: Group,
    caller: &Caller,
    name: &LoginName,
) -> Result<Crowd, Refusal> {
    match api.limits.take_of_crowd(group, Crowd::Everyone).map(judged).transpose() {
        Err(_) if caller.peer.is_some() && is_known(api, caller, name).await => {
            api.limits.take_of_crowd(group, Crowd::Familiar).map(judged).transpose()?;
            Ok(Crowd::Familiar)
        }
        admitted => admitted.map(|_| Crowd::Everyone),
    }
}

/// Looks for the address in what the store knows of the account, at most once a minute for one that it does not know.
async fn is_known(api: &Api, caller: &Caller, name: &LoginName) -> bool {
    let (account, peer) = (name.key(), Peer::of(caller.address));
    if api.limits.is_familiar(&account, peer) {
        return true;
    }
    if api.limits.is_strange(&account, peer) {
        return false;
    }
    let is_known = api.accounts.knows_address(caller, name).await;
    if is_known {
        api.limits.note_familiar(&account, peer);
    } else {
        api.limits.note_strange(&account, peer);
    }
    is_known
}

fn judged_for_account(
    api: &Api,
    group: Group,
    crowd: Crowd,
    verdict: Option<Verdict>,
) -> Result<Option<Verdict>, Refusal> {
    let judged = verdict.map(judged).transpose();
    if judged.is_err() {
        // Otherwise a flood of guesses at one account could use up what all accounts share.
        api.limits.give_back_to_crowd(group, crowd);
    }
    judged
}

/// The verdict; a refusal if it does not admit the request.
fn judged(verdict: Verdict) -> Result<Verdict, Refusal> {
    if verdict.allowed { Ok(verdict) } else { Err(Kind::RateLimited(verdict).into()) }
}

/// The answer with the budget of its account or its client, for [`Fields::add`].
pub(in crate::http) fn with_account(answer: Answer, verdict: Option<Verdict>) -> Answer {
    let Some(verdict) = verdict else { return answer };
    match answer {
        Ok(mut response) => {
            response.extensions_mut().insert(verdict);
            Ok(response)
        }
        Err(refusal) => Err(Refusal { verdict: Some(verdict), ..refusal }),
    }
}

/// The budget that [`with_account`] has added, or the one that refused the request.
pub(in crate::http) fn account_of(answer: &Answer) -> Option<Verdict> {
    match answer {
        Ok(response) => response.extensions().get().copied(),
        Err(refusal) => refusal.verdict,
    }
}

/// The values of `RateLimit-Policy`, which are the same in every answer with the same budgets.
#[derive(Debug)]
pub(in crate::http) struct Fields([[Option<HeaderValue>; 6]; Group::COUNT]);

impl Fields {
    pub(in crate::http) fn new(policies: &Policies) -> Self {
        let of_scopes = |group, scopes: &[Scope]| {
            let mut field = Field::default();
            for scope in scopes {
                field.add_policy(group, *scope, policies.quota(group, *scope)?);
            }
            field.value()
        };
        let (address, account, client) = (Scope::Address, Scope::Account, Scope::Client);
        // An account and a client never have a budget for the same request.
        let told: [&[Scope]; 6] =
            [&[], &[address], &[account], &[address, account], &[client], &[address, client]];
        Self(Group::ALL.map(|group| told.map(|scopes| of_scopes(group, scopes))))
    }

    /// Adds the headers about these budgets: that of the address, and the one that the handler or the refusal knows.
    pub(in crate::http) fn add(
        &self,
        of_address: Option<Verdict>,
        of_answer: Option<Verdict>,
        headers: &mut HeaderMap,
    ) {
        let mut field = Field::default();
        let (mut told, mut group) = (0, None);
        for verdict in [of_address, of_answer].into_iter().flatten() {
            told |= match verdict.scope {
                Scope::Address => 1,
                Scope::Account => 2,
                Scope::Client => 4,
                Scope::Global => continue,
            };
            group = Some(verdict.group);
            field.add_limit(&verdict);
        }
        let Some(group) = group else { return };
        if let (Some(policy), Some(limit)) = (&self.0[group as usize][told], field.value()) {
            headers.insert(POLICY, policy.clone());
            headers.insert(LIMIT, limit);
        }
    }
}
