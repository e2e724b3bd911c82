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
/// the budget of all clients later, when their fields were parsed ([`limited_log_in`](super::log_in_limits::limited_log_in),
/// [`admit_registration`]): so requests without any do not use it up. Returns the budget of the address, if it has one.
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
    let of_address = of_address.map(|verdict| judged(limits, verdict)).transpose()?;
    if !matches!(group, Group::Login | Group::Register) {
        let of_all = limits.take_of_crowd(group, Crowd::Everyone);
        of_all.map(|verdict| judged(limits, verdict)).transpose()?;
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
    let (limits, network) = (&api.limits, Peer::of(caller.address).network());
    let judged = |verdict: Option<Verdict>| verdict.map(|verdict| judged(limits, verdict)).transpose();
    let take = |account: &str| {
        judged(limits.take_of_account_from(group, &LoginName::from_text(account).key(), network))
    };
    let of_name = take(registration.username.as_str())?;
    let of_email = take(registration.email.as_str())?;
    judged(limits.take_of_crowd(group, Crowd::Everyone))?;
    Ok([of_name, of_email].into_iter().flatten().min_by_key(|verdict| verdict.remaining))
}

/// Admits a request of an OAuth client: by the budget of the client if it has proven who it is, or else by the one that the client
/// has for the address `named_from`, because every stranger can name the client. Returns the budget, if there is one.
///
/// # Errors
/// 429.
pub(in crate::http) fn admit_client(
    api: &Api,
    operation: &Operation,
    client: &str,
    named_from: Option<Peer>,
) -> Result<Option<Verdict>, Refusal> {
    let Some(group) = operation.limit else { return Ok(None) };
    let verdict = match named_from {
        Some(peer) => api.limits.take_of_client_from(group, client, peer),
        None => api.limits.take_of_client(group, client),
    };
    let judged = verdict.map(|verdict| judged(&api.limits, verdict)).transpose();
    if judged.is_err() {
        // Otherwise a client that asks again and again could use up what all clients share.
        api.limits.give_back_to_crowd(group, Crowd::Everyone);
    }
    judged
}

/// The counted verdict; a refusal if it does not admit the request.
pub(super) fn judged(limits: &RateLimits, verdict: Verdict) -> Result<Verdict, Refusal> {
    limits.count(&verdict);
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
