// npm openid-client as its documentation uses it.
import * as client from 'openid-client'

export async function connect({ issuer, clientId, secret, redirectUri }) {
  // With a secret, the library chooses the method itself.
  const authentication = secret === undefined ? client.None() : undefined
  const config = await client.discovery(issuer, clientId, secret, authentication, { execute: [client.allowInsecureRequests] })

  return {
    async logIn(scope, openBrowser) {
      const verifier = client.randomPKCECodeVerifier()
      const [state, nonce] = [client.randomState(), client.randomNonce()]
      const url = client.buildAuthorizationUrl(config, {
        redirect_uri: redirectUri,
        scope,
        state,
        nonce,
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      })
      const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
      const tokens = await client.authorizationCodeGrant(config, await openBrowser(url), checks)
      const claims = tokens.claims()
      const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub)
      const result = { sub: claims.sub, aud: claims.aud, userinfo: userinfo.sub, username: userinfo.preferred_username }
      if (tokens.refresh_token) {
        const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token)
        result.refreshed = refreshed.claims()?.sub ?? claims.sub
        await revoked(refreshed.refresh_token ?? tokens.refresh_token)
        result.after_revocation = await client
          .refreshTokenGrant(config, refreshed.refresh_token ?? tokens.refresh_token)
          .then(() => 'still valid', (error) => error.error)
      }
      return result
    },

    async authenticateItself(scope) {
      const tokens = await client.clientCredentialsGrant(config, { scope })
      const before = await client.tokenIntrospection(config, tokens.access_token)
      await revoked(tokens.access_token)
      const after = await client.tokenIntrospection(config, tokens.access_token)
      return { type: tokens.token_type, scope: tokens.scope, client_id: before.client_id, active: [before.active, after.active] }
    },
  }

  async function revoked(token) {
    await client.tokenRevocation(config, token)
  }
}
