//! The difference between the stored clients and `CLIENTS_FILE`, and what each change would break. Pure.

use serde_json::{Map, Value};

use super::clients_file::{ClientsFile, FileClient};
use crate::domain::{Client, ClientId, ClientMetadata, ClientOrigin, GeneratePolicy, GrantType};

/// A change that the next start makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedChange {
    /// The client.
    pub id: ClientId,
    /// What happens to it.
    pub action: PlannedAction,
    /// What stops working, one sentence each.
    pub breaks: Vec<String>,
}

/// What happens to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlannedAction {
    /// It is added.
    Create,
    /// These members change.
    Change(Vec<MemberChange>),
    /// It was made by `clients create`; from now on the file manages it. These members change, too.
    TakeOver(Vec<MemberChange>),
    /// It is no longer in the file.
    Delete,
}

impl PlannedAction {
    /// A word for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Change(_) => "change",
            Self::TakeOver(_) => "take over",
            Self::Delete => "delete",
        }
    }

    /// The members that change.
    pub fn changes(&self) -> &[MemberChange] {
        match self {
            Self::Change(changes) | Self::TakeOver(changes) => changes,
            Self::Create | Self::Delete => &[],
        }
    }
}

/// A member before and after; `None` if it is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberChange {
    /// The member, as RFC 7591 names it. `client_secret` stands for the secrets, whose values are not shown.
    pub member: String,
    /// Before.
    pub before: Option<Value>,
    /// After.
    pub after: Option<Value>,
}

/// The changes that make the stored clients as the file says: first those of the file, then removals.
pub fn plan(stored: &[Client], file: &ClientsFile) -> Vec<PlannedChange> {
    let of_file = file.clients().iter().filter_map(|wanted| {
        let before = stored.iter().find(|client| client.id == wanted.id);
        planned(wanted, before)
    });
    let is_gone = |client: &&Client| client.origin == ClientOrigin::File && file.find(&client.id).is_none();
    let removals = stored.iter().filter(is_gone).map(|client| PlannedChange {
        id: client.id.clone(),
        action: PlannedAction::Delete,
        breaks: breaks_of_deletion(client),
    });
    of_file.chain(removals).collect()
}

fn planned(wanted: &FileClient, before: Option<&Client>) -> Option<PlannedChange> {
    let id = wanted.id.clone();
    let Some(before) = before else {
        return Some(PlannedChange { id, action: PlannedAction::Create, breaks: Vec::new() });
    };
    if wanted.is_as_stored(before) {
        return None;
    }
    let mut changes = member_changes(&before.metadata, &wanted.metadata);
    let mut breaks = breaks_of_change(&before.metadata, &wanted.metadata);
    let known: Vec<_> = before.secrets.iter().map(|hash| &hash.sha256).collect();
    if !wanted.secrets.iter().eq(known.iter().copied()) {
        let counted = |count: usize| Some(Value::from(count)).filter(|_| count > 0);
        changes.push(MemberChange {
            member: "client_secret".to_owned(),
            before: counted(known.len()),
            after: counted(wanted.secrets.len()),
        });
        if known.iter().any(|hash| !wanted.secrets.contains(hash)) {
            breaks.push("a secret that is valid now is refused".to_owned());
        }
    }
    let action = match before.origin {
        ClientOrigin::File => PlannedAction::Change(changes),
        ClientOrigin::CommandLine => PlannedAction::TakeOver(changes),
    };
    Some(PlannedChange { id, action, breaks })
}

/// What stops working if the client is removed.
pub fn breaks_of_deletion(client: &Client) -> Vec<String> {
    let mut breaks = vec!["the client gets no more tokens".to_owned()];
    if client.may_use(GrantType::AuthorizationCode) {
        breaks.push("log-ins through the client fail, and its refresh tokens are refused".to_owned());
    }
    breaks
}

/// The members that differ.
pub fn member_changes(before: &ClientMetadata, after: &ClientMetadata) -> Vec<MemberChange> {
    let (before, after) = (as_object(before), as_object(after));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let change = |name: &String| MemberChange {
        member: name.clone(),
        before: before.get(name).cloned(),
        after: after.get(name).cloned(),
    };
    names.into_iter().map(change).filter(|change| change.before != change.after).collect()
}

/// The members of a client's metadata.
pub fn as_object(metadata: &ClientMetadata) -> Map<String, Value> {
    match serde_json::to_value(metadata) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

/// What stops working if the metadata changes.
pub fn breaks_of_change(before: &ClientMetadata, after: &ClientMetadata) -> Vec<String> {
    let mut breaks = Vec::new();
    let gone = |uris: &[crate::domain::RedirectUri], left: &[crate::domain::RedirectUri]| -> Vec<String> {
        uris.iter().filter(|uri| !left.contains(uri)).map(ToString::to_string).collect()
    };
    for uri in gone(&before.redirect_uris, &after.redirect_uris) {
        breaks.push(format!("log-ins that return to {uri} fail"));
    }
    for uri in gone(&before.post_logout_redirect_uris, &after.post_logout_redirect_uris) {
        breaks.push(format!("log-outs that return to {uri} end at this service"));
    }
    for grant in before.grant_types.iter().filter(|grant| !after.grant_types.contains(grant)) {
        breaks.push(match grant {
            GrantType::AuthorizationCode => "log-ins through the client fail".to_owned(),
            GrantType::RefreshToken => "its refresh tokens are refused".to_owned(),
            GrantType::ClientCredentials => {
                "it gets no more tokens for itself (client_credentials)".to_owned()
            }
        });
    }
    for scope in before.scope.iter().filter(|scope| !after.scope.contains(scope)) {
        breaks.push(format!("requests for the scope {scope} are refused"));
    }
    for resource in before.resources.iter().filter(|resource| !after.resources.contains(resource)) {
        breaks.push(format!("requests for the resource {resource} are refused"));
    }
    // A client that names no method any more may use what it named, if that was a way to send its secret.
    let is_wider = after.token_endpoint_auth_method.is_none() && before.uses_secret();
    if before.token_endpoint_auth_method != after.token_endpoint_auth_method && !is_wider {
        breaks.push("the client must authenticate in another way".to_owned());
    }
    if (&before.jwks, &before.jwks_uri) != (&after.jwks, &after.jwks_uri) && before.jwks.is_some() {
        breaks.push("assertions by keys that are no longer listed are refused".to_owned());
    }
    if before.require_pkce == Some(false) && after.require_pkce != Some(false) {
        breaks.push("log-ins without PKCE (code_challenge) fail".to_owned());
    }
    if before.first_party && !after.first_party {
        breaks.push("users are asked for their consent".to_owned());
    }
    if before.id_token_signed_response_alg != after.id_token_signed_response_alg {
        breaks.push("id tokens have another algorithm, which the client must accept".to_owned());
    }
    if before.access_token_typ != after.access_token_typ {
        breaks.push("access tokens have another typ, which resource servers must accept".to_owned());
    }
    if before.status_list && !after.status_list {
        breaks.push("its tokens have no place in a status list, which verifiers may need".to_owned());
    }
    breaks_of_policy(before.generate.as_ref(), after.generate.as_ref(), &mut breaks);
    breaks
}

fn breaks_of_policy(
    before: Option<&GeneratePolicy>,
    after: Option<&GeneratePolicy>,
    breaks: &mut Vec<String>,
) {
    let Some(before) = before else { return };
    let Some(after) = after else {
        breaks.push("it can no longer have tokens signed (generate)".to_owned());
        return;
    };
    for (what, before, after) in [
        ("audience", &before.audiences, &after.audiences),
        ("subject", &before.subjects, &after.subjects),
        ("claim", &before.claims, &after.claims),
    ] {
        if after.iter().any(|pattern| pattern == "*") {
            continue;
        }
        if before.is_empty() && !after.is_empty() && what != "claim" {
            breaks.push(format!("tokens with the usual {what} are refused, unless a pattern admits it"));
        }
        for pattern in before.iter().filter(|pattern| !after.contains(pattern)) {
            breaks.push(format!("tokens with the {what} {pattern} are refused"));
        }
    }
    let longest = |policy: &GeneratePolicy| policy.max_lifetime.unwrap_or(u64::MAX);
    if longest(after) < longest(before) {
        breaks.push(format!("tokens that live longer than {} seconds are refused", longest(after)));
    }
}
