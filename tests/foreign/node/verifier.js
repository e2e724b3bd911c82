// npm jose with its remote key set as it comes: fetched anew after 10 minutes, or for an unknown kid but then
// not within 30 seconds of the last fetch. No clock tolerance. Knows RS256, PS256, ES256 and EdDSA.
//
// node verifier.js JWKS_URL ISSUER AUDIENCE: a token a line in, "ok SUB KID" or "refused REASON" a line out.
import { createInterface } from 'node:readline'
import { createRemoteJWKSet, jwtVerify } from 'jose'

if (process.argv.length !== 5) {
  console.error('usage: verifier.js JWKS_URL ISSUER AUDIENCE')
  process.exit(2)
}
const [jwksUrl, issuer, audience] = process.argv.slice(2)
const keys = createRemoteJWKSet(new URL(jwksUrl))
const expected = {
  issuer,
  audience,
  algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
  requiredClaims: ['sub', 'exp'],
}

for await (const token of createInterface({ input: process.stdin })) {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keys, expected)
    console.log(`ok ${payload.sub} ${protectedHeader.kid}`)
  } catch (error) {
    console.log(`refused ${error.message.replace(/\s+/g, ' ')}`)
  }
}
