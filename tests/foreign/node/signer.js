// Keys and tokens of npm jose. A line of JSON in, a line out:
//   {"alg", "kid", "header", "claims"}  a token, signed by the key of this alg and kid, which is made when it is first asked
//                                       for; without a kid the header has none
//   {"jwks": [kid, …]}                  the set of the public keys of these names, as the library exports them
import { createInterface } from 'node:readline'
import { CompactSign, exportJWK, generateKeyPair } from 'jose'

const keys = new Map()

async function keyOf(alg, kid) {
  const name = `${alg} ${kid}`
  if (!keys.has(name)) {
    const pair = await generateKeyPair(alg, { extractable: true })
    keys.set(name, { kid, alg, ...pair })
  }
  return keys.get(name)
}

async function token({ alg, kid, header, claims }) {
  const { privateKey } = await keyOf(alg, kid)
  const named = kid === undefined ? {} : { kid }
  const payload = new TextEncoder().encode(JSON.stringify(claims))
  return new CompactSign(payload).setProtectedHeader({ alg, ...named, ...header }).sign(privateKey)
}

async function jwks(names) {
  const wanted = [...keys.values()].filter((key) => names.includes(key.kid ?? null))
  const exported = wanted.map(async ({ kid, alg, publicKey }) => ({ ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }))
  return JSON.stringify({ keys: await Promise.all(exported) })
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line)
  console.log(asked.jwks ? await jwks(asked.jwks) : await token(asked))
}
