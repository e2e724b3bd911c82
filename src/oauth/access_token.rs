//! Access tokens: issues them for a client, and checks the ones that come back.

use jose::Typ;

use super::status_lists::TakenPlace;
use super::{ClientsNotLoaded, OAuth, TokenError};
use crate::domain::{AccessTokenTyp, Client, Lifetime, Scopes, StatusEntry};
use crate::token::{AccessToken, AccessTokenRequest, Issued, Rejection, Subject, UserOfGrant};

impl OAuth {
    /// An access token for `client`, which acts for `user` or for itself. The caller has checked that the client may have
    /// this audience and these scopes; an empty audience stands for the usual one.
    ///
    /// # Errors
    /// [`TokenError`] if no key may sign it, or if the store cannot note its place in a status list.
    pub(super) async fn issue_access_token(
        &self,
        client: &Client,
        user: Option<UserOfGrant<'_>>,
        audience: &[String],
        scope: &Scopes,
    ) -> Result<Issued, TokenError> {
        let metadata = &client.metadata;
        let taken = if metadata.status_list { Some(self.status_places.take().await?) } else { None };
        let request = AccessTokenRequest {
            client_id: client.id.as_str(),
            registration: client.registration,
            user,
            audience,
            scope,
            typ: match metadata.access_token_typ {
                AccessTokenTyp::AtJwt => Typ::AtJwt,
                AccessTokenTyp::Jwt => Typ::Jwt,
            },
            lifetime: metadata.access_token_lifetime.and_then(|secs| Lifetime::from_secs(secs).ok()),
            claims: &metadata.claims,
            status: taken.as_ref().map(TakenPlace::reference),
        };
        let subject = Subject::AccessToken(&request);
        let Some(taken) = &taken else { return Ok(self.tokens.issue(subject, None).await?) };
        let traced = self.tokens.issue_traced(subject, None).await?;
        let entry = StatusEntry {
            grant: user.map(|user| user.grant),
            session: user.filter(|user| user.ends_with_session).map(|user| user.log_in.session),
            ..taken.entry(&traced, client, user.map(|user| user.id))
        };
        self.status_places.record(&entry).await?;
        Ok(traced.issued)
    }

    /// Checks an access token, for whatever audience, and that its client still exists.
    ///
    /// # Errors
    /// [`TokenError::InvalidToken`]; [`TokenError::NotReady`] if the clients or the denials are not loaded yet.
    pub async fn check_access_token(&self, token: &str) -> Result<AccessToken, TokenError> {
        let token = self.tokens.check_access_token(token)?;
        match self.clients.find_registered(&token.claims.client_id, token.claims.rid).await {
            Ok(Some(_)) => Ok(token),
            Ok(None) => Err(TokenError::InvalidToken(Rejection::InvalidClaim("client_id").into())),
            Err(ClientsNotLoaded) => Err(TokenError::NotReady),
        }
    }
}
