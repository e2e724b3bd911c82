// oidc-provider with its records in memory, RS256 of 2048 bits, access tokens that are JWTs. One process: a second one would not
// know the grants of the first.
// PORT (3001), CLIENT_SECRET.
import { generateKeyPairSync } from 'node:crypto'
import { Provider } from 'oidc-provider'

const port = Number(process.env.PORT ?? 3001)
const issuer = `http://127.0.0.1:${port}`
const resource = 'https://orders.example.com'
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

const client = {
  client_secret: process.env.CLIENT_SECRET,
  token_endpoint_auth_method: 'client_secret_basic',
}
const provider = new Provider(issuer, {
  clients: [
    { ...client, client_id: 'bench', grant_types: ['client_credentials'], redirect_uris: [], response_types: [], scope: 'a b' },
    {
      ...client,
      client_id: 'bench-web',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: ['http://127.0.0.1:9/callback'],
      scope: 'openid offline_access a b',
    },
  ],
  scopes: ['openid', 'offline_access', 'a', 'b'],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), alg: 'RS256', use: 'sig' }] },
  cookies: { keys: ['benchmark'] },
  rotateRefreshToken: false,
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'a b',
        audience: resource,
        accessTokenTTL: 3600,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
})

// The benchmark waits for this path.
provider.use(async (context, next) => {
  if (context.path === '/health') {
    context.body = 'ok'
  } else {
    await next()
  }
})
provider.listen(port, '127.0.0.1')
