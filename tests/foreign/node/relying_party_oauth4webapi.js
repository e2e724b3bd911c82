// npm oauth4webapi, call by call.
import * as oauth from 'oauth4webapi'

const insecure = { [oauth.allowInsecureRequests]: true }

export async function connect({ issuer, clientId, secret, redirectUri }) {
  const found = await oauth.discoveryRequest(issuer, insecure)
  const server = await oauth.processDiscoveryResponse(issuer, found)
  const client = { client_id: clientId }
  const authentication = secret === undefined ? oauth.None() : oauth.ClientSecretBasic(secret)

  return {
    async logIn(scope, openBrowser) {
      const verifier = oauth.generateRandomCodeVerifier()
      const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
      const url = new URL(server.authorization_endpoint)
      const challenge = await oauth.calculatePKCECodeChallenge(verifier)
      const asked = { client_id: clientId, redirect_uri: redirectUri, response_type: 'code', scope, state, nonce }
      Object.entries({ ...asked, code_challenge: challenge, code_challenge_method: 'S256' }).forEach(([name, value]) => url.searchParams.set(name, value))
      const answer = oauth.validateAuthResponse(server, client, await openBrowser(url), state)
      const tokens = await oauth.processAuthorizationCodeResponse(
        server,
        client,
        await oauth.authorizationCodeGrantRequest(server, client, authentication, answer, redirectUri, verifier, insecure),
        { expectedNonce: nonce, requireIdToken: true },
      )
      const claims = oauth.getValidatedIdTokenClaims(tokens)
      const request = new Request(server.userinfo_endpoint, { headers: { authorization: `Bearer ${tokens.access_token}` } })
      const userinfo = await oauth.processUserInfoResponse(
        server,
        client,
        claims.sub,
        await oauth.userInfoRequest(server, client, tokens.access_token, insecure),
      )
      const accessToken = await oauth.validateJwtAccessToken(server, request, audienceOf(tokens), insecure)
      const result = { sub: claims.sub, aud: claims.aud, userinfo: userinfo.sub, username: userinfo.preferred_username, client_id: accessToken.client_id }
      if (tokens.refresh_token) {
        const refreshed = await refresh(tokens.refresh_token)
        result.refreshed = oauth.getValidatedIdTokenClaims(refreshed)?.sub ?? claims.sub
        await revoke(refreshed.refresh_token ?? tokens.refresh_token)
        result.after_revocation = await refresh(refreshed.refresh_token ?? tokens.refresh_token).then(() => 'still valid', (error) => error.error)
      }
      return result
    },

    async authenticateItself(scope) {
      const asked = new URLSearchParams({ scope })
      const tokens = await oauth.processClientCredentialsResponse(
        server,
        client,
        await oauth.clientCredentialsGrantRequest(server, client, authentication, asked, insecure),
      )
      const before = await introspect(tokens.access_token)
      await revoke(tokens.access_token)
      const after = await introspect(tokens.access_token)
      return { type: tokens.token_type, scope: tokens.scope, client_id: before.client_id, active: [before.active, after.active] }
    },
  }

  async function refresh(token) {
    return oauth.processRefreshTokenResponse(
      server,
      client,
      await oauth.refreshTokenGrantRequest(server, client, authentication, token, insecure),
    )
  }

  async function introspect(token) {
    return oauth.processIntrospectionResponse(
      server,
      client,
      await oauth.introspectionRequest(server, client, authentication, token, insecure),
    )
  }

  async function revoke(token) {
    await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, authentication, token, insecure))
  }
}

// The service's access tokens are JWTs (RFC 9068); the test tells their audience by the token itself.
function audienceOf(tokens) {
  return JSON.parse(Buffer.from(tokens.access_token.split('.')[1], 'base64url').toString()).aud
}
