//! `POST /api/token/generate`: a demo token for whoever asks.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::shapes::TokenBody;
use crate::domain::Lifetime;
use crate::http::error::ApiError;
use crate::http::extract::Fields;
use crate::http::{Api, respond};
use crate::token::{CustomClaims, Subject, TokenRequest};

/// The most characters of a name, an address, a subject or an audience.
const LONGEST: usize = 1024;
/// The most characters of a length of time.
const LONGEST_LIFETIME: usize = 32;
/// The most audiences of one token.
const MOST_AUDIENCES: usize = 32;

pub(in crate::http) async fn generate_token(
    State(api): State<Api>,
    fields: Fields,
) -> Result<Response, ApiError> {
    if !api.settings.demo_tokens {
        return Err(ApiError::demo_tokens_disabled());
    }
    let or_demo = |name, demo: &str| text(&fields, name).map(|text| text.unwrap_or_else(|| demo.to_owned()));
    let request = TokenRequest {
        subject: or_demo("subject", "demo-user-id")?,
        username: or_demo("username", "demo-user")?,
        email: or_demo("email", "demo@example.com")?,
        audience: audience(&fields)?,
        lifetime: lifetime(&fields)?,
        claims: fields.json("claims")?.map(|json| CustomClaims::parse(&json)).transpose()?,
    };
    let issued = api.tokens.issue(Subject::Demo(&request), None).await?;
    let body = TokenBody::from(issued);
    Ok(respond::no_store(respond::success(StatusCode::OK, body, "Demo JWT token generated successfully")))
}

fn text(fields: &Fields, name: &'static str) -> Result<Option<String>, ApiError> {
    let text = fields.filled(name)?;
    match text {
        Some(text) if text.chars().count() > LONGEST => {
            Err(ApiError::invalid(format!("{name} must be at most {LONGEST} characters long")))
        }
        text => Ok(text),
    }
}

fn audience(fields: &Fields) -> Result<Vec<String>, ApiError> {
    let Some(json) = fields.json("audience")? else { return Ok(Vec::new()) };
    let audience = if json.get().starts_with('[') {
        serde_json::from_str::<Vec<String>>(json.get())
    } else {
        serde_json::from_str::<String>(json.get()).map(|one| vec![one])
    };
    let fits = |audience: &Vec<String>| {
        (1..=MOST_AUDIENCES).contains(&audience.len())
            && audience.iter().all(|one| (1..=LONGEST).contains(&one.chars().count()))
    };
    audience.ok().filter(fits).ok_or_else(|| {
        ApiError::invalid(format!(
            "audience must be a string or a list of 1 to {MOST_AUDIENCES} strings, none of them empty"
        ))
    })
}

/// Whole seconds as a number, or a length of time as text.
fn lifetime(fields: &Fields) -> Result<Option<Lifetime>, ApiError> {
    let Some(json) = fields.json("expiresIn")? else { return Ok(None) };
    let parsed = match serde_json::from_str::<u64>(json.get()) {
        Ok(secs) => Lifetime::from_secs(secs).ok(),
        Err(_) => {
            let text = serde_json::from_str::<String>(json.get()).ok();
            text.filter(|text| text.len() <= LONGEST_LIFETIME).and_then(|text| text.parse().ok())
        }
    };
    parsed.map(Some).ok_or_else(|| {
        ApiError::invalid(
            "expiresIn must be a whole number of seconds above 0, or a length of time such as \"15m\"",
        )
    })
}
