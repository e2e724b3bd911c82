// What most people would write: express with jose, RS256 of 2048 bits, one process per core.
// PORT (3001), WORKERS (the number of cores).
import cluster from 'node:cluster'
import { generateKeyPairSync } from 'node:crypto'
import { availableParallelism } from 'node:os'
import cors from 'cors'
import express from 'express'
import helmet from 'helmet'
import { exportJWK, importPKCS8, importSPKI, jwtVerify, SignJWT } from 'jose'

const port = Number(process.env.PORT ?? 3001)
const workers = Number(process.env.WORKERS ?? availableParallelism())
const kid = 'default-key-id'
const issuer = 'jwt-generator-app'
const audience = 'jwt-generator-api'
const lifetime = 3600

if (cluster.isPrimary) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  for (let i = 0; i < workers; i++) {
    cluster.fork({ PRIVATE_KEY: privateKey, PUBLIC_KEY: publicKey })
  }
  cluster.on('exit', () => process.exit(1))
  process.on('SIGTERM', () => process.exit(0))
} else {
  await serve()
}

async function serve() {
  const privateKey = await importPKCS8(process.env.PRIVATE_KEY, 'RS256')
  const publicKey = await importSPKI(process.env.PUBLIC_KEY, 'RS256')
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig', key_ops: ['verify'] }] }

  const app = express()
  app.use(helmet())
  app.use(cors())
  app.use(express.json())
  app.use(express.urlencoded({ extended: true }))

  app.get('/health', (_request, response) => {
    response.json({
      success: true,
      message: 'JWT Generator API is healthy',
      timestamp: new Date().toISOString(),
      version: '1.0.0',
      database_connected: false,
    })
  })

  app.get('/api/jwks', (_request, response) => {
    response.set('Cache-Control', 'public, max-age=86400').json(jwks)
  })

  app.post('/api/token/generate', async (request, response, next) => {
    try {
      const { username = 'demo-user', email = 'demo@example.com' } = request.body
      const token = await new SignJWT({ username, email })
        .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid })
        .setSubject('demo-user-id')
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime(`${lifetime}s`)
        .sign(privateKey)
      response.json({
        success: true,
        message: 'Demo JWT token generated successfully',
        data: { access_token: token, token_type: 'Bearer', expires_in: lifetime },
      })
    } catch (error) {
      next(error)
    }
  })

  app.post('/api/token/validate', async (request, response) => {
    const token = request.body.token ?? request.get('Authorization')?.replace(/^Bearer /, '')
    if (!token) {
      response.status(400).json({ success: false, error: 'Token is required' })
      return
    }
    try {
      const { payload, protectedHeader } = await jwtVerify(token, publicKey, { issuer, audience, algorithms: ['RS256'] })
      response.json({
        success: true,
        message: 'Token is valid',
        data: { valid: true, payload, decoded: { header: protectedHeader, payload } },
      })
    } catch {
      response.status(401).json({
        success: false,
        error: 'Token validation failed',
        data: { valid: false, error: 'Token verification failed' },
      })
    }
  })

  app.listen(port, '127.0.0.1')
}
