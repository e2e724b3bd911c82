//! `POST /api/token/generate`: a token for a client, within its policy; without credentials a demo token for any caller.

use http::StatusCode;

use super::shapes::TokenBody;
use crate::domain::{Client, Lifetime};
use crate::http::client_credential::{Held, client_credential};
use crate::http::extract::Fields;
use crate::http::middleware::limits::{admit_client, with_account};
use crate::http::refusal::{FieldFault, Kind, Refusal};
use crate::http::{Answer, Api, Call, respond};
use crate::oauth::{Credential, WantedToken};
use crate::telemetry::traces::{Span, SpanKind};
use crate::token::{CustomClaims, TokenRequest};

/// The most characters of a name, an address, a subject or an audience.
const MAX_TEXT_CHARS: usize = 1024;
/// The most characters of a length of time.
const MAX_LIFETIME_CHARS: usize = 32;
/// The most audiences of one token.
const MAX_AUDIENCES: usize = 32;

pub(in crate::http) async fn generate_token(api: Api, call: Call) -> Answer {
    match client_credential(&call, &api).await? {
        Some(credential) => for_client(api, call, credential).await,
        None => demo(api, call).await,
    }
}

/// Decides by memory alone: the client's credentials, its budget and its policy.
async fn for_client(api: Api, call: Call, credential: Held<Credential>) -> Answer {
    let identify = api.generation.identify(&credential);
    let client = Span::begin("identify_client", SpanKind::Internal).run(identify).await?;
    drop(credential);
    let verdict = admit_client(&api, call.operation, client.id.as_str(), None)?;
    with_account(generated(&api, call, &client).await, verdict)
}

async fn generated(api: &Api, call: Call, client: &Client) -> Answer {
    let Call { caller, request, .. } = call;
    let fields = Fields::read(request, &caller, api).await?;
    let wanted = WantedToken {
        subject: text(&fields, "subject")?,
        username: text(&fields, "username")?,
        email: text(&fields, "email")?,
        audience: audience(&fields)?,
        lifetime: lifetime(&fields)?,
        claims: fields.json("claims")?.map(|json| CustomClaims::parse(&json)).transpose()?,
    };
    let generate = api.generation.generate(&caller, client, &wanted);
    let issued = Span::begin("generate", SpanKind::Internal).run(generate).await?;
    respond::success(StatusCode::OK, TokenBody::from(issued), "JWT token generated successfully")
}

async fn demo(api: Api, call: Call) -> Answer {
    let Call { caller, request, .. } = call;
    let fields = Fields::read(request, &caller, &api).await?;
    if !api.has_demo_tokens() {
        return Err(Kind::DemoTokensDisabled.into());
    }
    let or_demo = |name, demo: &str| text(&fields, name).map(|text| text.unwrap_or_else(|| demo.to_owned()));
    let wanted = TokenRequest {
        subject: or_demo("subject", "demo-user-id")?,
        username: or_demo("username", "demo-user")?,
        email: or_demo("email", "demo@example.com")?,
        audience: audience(&fields)?,
        lifetime: lifetime(&fields)?,
        claims: fields.json("claims")?.map(|json| CustomClaims::parse(&json)).transpose()?,
    };
    let issued = Span::begin("issue_demo", SpanKind::Internal).run(api.tokens.issue_demo(&caller, &wanted));
    let body = TokenBody::from(issued.await?);
    respond::success(StatusCode::OK, body, "Demo JWT token generated successfully")
}

fn text(fields: &Fields, name: &'static str) -> Result<Option<String>, Refusal> {
    let text = fields.filled(name)?;
    match text {
        Some(text) if text.chars().count() > MAX_TEXT_CHARS => {
            Err(FieldFault::TooLong { name, most: MAX_TEXT_CHARS }.into())
        }
        text => Ok(text),
    }
}

fn audience(fields: &Fields) -> Result<Vec<String>, Refusal> {
    let Some(json) = fields.json("audience")? else { return Ok(Vec::new()) };
    let audience = if json.get().starts_with('[') {
        serde_json::from_str::<Vec<String>>(json.get())
    } else {
        serde_json::from_str::<String>(json.get()).map(|one| vec![one])
    };
    let fits = |audience: &Vec<String>| {
        (1..=MAX_AUDIENCES).contains(&audience.len())
            && audience.iter().all(|one| (1..=MAX_TEXT_CHARS).contains(&one.chars().count()))
    };
    audience.ok().filter(fits).ok_or_else(|| FieldFault::Audience(MAX_AUDIENCES).into())
}

/// Whole seconds as a number, or a length of time as text.
fn lifetime(fields: &Fields) -> Result<Option<Lifetime>, Refusal> {
    let Some(json) = fields.json("expiresIn")? else { return Ok(None) };
    let parsed = match serde_json::from_str::<u64>(json.get()) {
        Ok(secs) => Lifetime::from_secs(secs).ok(),
        Err(_) => {
            let text = serde_json::from_str::<String>(json.get()).ok();
            text.filter(|text| text.len() <= MAX_LIFETIME_CHARS).and_then(|text| text.parse().ok())
        }
    };
    parsed.map(Some).ok_or_else(|| FieldFault::Lifetime.into())
}
