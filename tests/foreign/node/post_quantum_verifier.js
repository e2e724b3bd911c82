// ML-DSA (RFC 9964) by @noble/post-quantum, which is FIPS 204 in plain JavaScript: of the key set the keys of type AKP are
// used, by their kid, and the set is fetched anew for each token.
//
// node post_quantum_verifier.js JWKS_URL ISSUER AUDIENCE: a token a line in, "ok SUB KID" or "refused REASON" a line out.
import { createInterface } from 'node:readline'
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js'

if (process.argv.length !== 5) {
  console.error('usage: post_quantum_verifier.js JWKS_URL ISSUER AUDIENCE')
  process.exit(2)
}
const [jwksUrl, issuer, audience] = process.argv.slice(2)
const algorithms = { 'ML-DSA-44': ml_dsa44, 'ML-DSA-65': ml_dsa65, 'ML-DSA-87': ml_dsa87 }
const bytes = (text) => new Uint8Array(Buffer.from(text, 'base64url'))
const json = (text) => JSON.parse(Buffer.from(text, 'base64url').toString())

async function verify(token) {
  const [header, payload, signature] = token.split('.')
  const { alg, kid } = json(header)
  const { keys } = await (await fetch(jwksUrl)).json()
  const key = keys.find((key) => key.kid === kid && key.kty === 'AKP')
  if (!key || key.alg !== alg) throw new Error('there is no such key')
  const signed = new Uint8Array(Buffer.from(`${header}.${payload}`))
  if (!algorithms[alg].verify(bytes(signature), signed, bytes(key.pub))) throw new Error('bad signature')
  const claims = json(payload)
  const audiences = [claims.aud].flat()
  if (claims.iss !== issuer || !audiences.includes(audience)) throw new Error('for another')
  if (claims.exp <= Date.now() / 1000) throw new Error('expired')
  return `ok ${claims.sub} ${kid}`
}

for await (const token of createInterface({ input: process.stdin })) {
  console.log(await verify(token).catch((error) => `refused ${error.message}`))
}
