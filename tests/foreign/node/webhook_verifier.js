// Verifies webhooks with npm standardwebhooks, the library of the specification, and those of the scheme v1a with Node's own
// crypto, by the text of the specification. A line of JSON in, a line out:
//   {"secret", "headers", "body"}  "ok" or "refused REASON"; the secret begins with whsec_ or whpk_
import { createPublicKey, verify } from 'node:crypto'
import { createInterface } from 'node:readline'
import { Webhook } from 'standardwebhooks'

function verifyAsymmetric(secret, headers, body) {
  const x = Buffer.from(secret.replace('whpk_', ''), 'base64').toString('base64url')
  const key = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x } })
  const signed = Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`)
  const signatures = headers['webhook-signature'].split(' ').map((one) => one.split(','))
  const fits = ([scheme, encoded]) => scheme === 'v1a' && verify(null, signed, key, Buffer.from(encoded, 'base64'))
  if (!signatures.some(fits)) throw new Error('no matching signature found')
}

function answer({ secret, headers, body }) {
  try {
    if (secret.startsWith('whpk_')) verifyAsymmetric(secret, headers, body)
    else new Webhook(secret).verify(body, headers)
    return 'ok'
  } catch (error) {
    return `refused ${error.message}`
  }
}

for await (const line of createInterface({ input: process.stdin })) console.log(answer(JSON.parse(line)))
