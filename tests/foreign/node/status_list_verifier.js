// A verifier that knows only the key set and the status lists: npm jose checks signatures, npm @sd-jwt/jwt-status-list reads the
// lists (draft-ietf-oauth-status-list). It keeps a list for as long as the list says (`ttl`), and asks the service nothing else.
//
// node status_list_verifier.js JWKS_URL ISSUER AUDIENCE: a token a line in; "ok SUB KID", "revoked IDX" or "refused REASON" out.
import { createInterface } from 'node:readline'
import { getListFromStatusListJWT, getStatusListFromJWT } from '@sd-jwt/jwt-status-list'
import { createRemoteJWKSet, jwtVerify } from 'jose'

if (process.argv.length !== 5) {
  console.error('usage: status_list_verifier.js JWKS_URL ISSUER AUDIENCE')
  process.exit(2)
}
const [jwksUrl, issuer, audience] = process.argv.slice(2)
const keys = createRemoteJWKSet(new URL(jwksUrl))
const kept = new Map()

async function listAt(uri) {
  const known = kept.get(uri)
  if (known && known.until > Date.now()) return known.list
  const answer = await fetch(uri, { headers: { accept: 'application/statuslist+jwt' } })
  if (answer.status !== 200) throw new Error(`status ${answer.status} of the list`)
  if (answer.headers.get('content-type') !== 'application/statuslist+jwt') throw new Error('not a list')
  const text = await answer.text()
  const { payload } = await jwtVerify(text, keys, { typ: 'statuslist+jwt', requiredClaims: ['iat', 'exp', 'ttl'] })
  if (payload.sub !== uri) throw new Error('another list')
  const list = getListFromStatusListJWT(text)
  kept.set(uri, { list, until: Date.now() + payload.ttl * 1000 })
  return list
}

for await (const token of createInterface({ input: process.stdin })) {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keys, { issuer, audience })
    const { idx, uri } = getStatusListFromJWT(token)
    const revoked = (await listAt(uri)).getStatus(idx) !== 0
    console.log(revoked ? `revoked ${idx}` : `ok ${payload.sub} ${protectedHeader.kid}`)
  } catch (error) {
    console.log(`refused ${error.message.replace(/\s+/g, ' ')}`)
  }
}
