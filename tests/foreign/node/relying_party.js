// A client of OAuth 2.0 and OpenID Connect: npm openid-client (certified), or oauth4webapi, on which it stands.
//
// node relying_party.js LIBRARY ISSUER CLIENT_ID CLIENT_SECRET REDIRECT_URI: what to do a line in, what came of it a line out.
// `code SCOPE` answers `open URL`, reads the URL to which the browser returned, and answers `done JSON`. `machine SCOPE` gets a
// token for the client itself. CLIENT_SECRET is - for a public client.
import { createInterface } from 'node:readline'

if (process.argv.length !== 7) {
  console.error('usage: relying_party.js openid-client|oauth4webapi ISSUER CLIENT_ID CLIENT_SECRET REDIRECT_URI')
  process.exit(2)
}
const [library, issuer, clientId, secret, redirectUri] = process.argv.slice(2)
const { connect } = await import(`./relying_party_${library.replaceAll('-', '_')}.js`)
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const next = async () => (await lines.next()).value

async function openBrowser(url) {
  console.log(`open ${url}`)
  return new URL(await next())
}

for (let line = await next(); line !== undefined; line = await next()) {
  const [command, ...scopes] = line.split(' ')
  try {
    const client = await connect({ issuer: new URL(issuer), clientId, secret: secret === '-' ? undefined : secret, redirectUri })
    const run = { code: () => client.logIn(scopes.join(' '), openBrowser), machine: () => client.authenticateItself(scopes.join(' ')) }
    console.log(`done ${JSON.stringify(await run[command]())}`)
  } catch (error) {
    console.log(`failed ${String(error.cause?.error ?? error.error ?? error.message).replace(/\s+/g, ' ')}`)
  }
}
