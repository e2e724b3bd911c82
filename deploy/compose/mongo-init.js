// Brings the replica set to what the service wants, from whatever state a start before this one left it in.
const fs = require('fs')
const secret = (name) => fs.readFileSync(`/run/secrets/${name}`, 'utf8').trim()
const members = ['mongo1:27017', 'mongo2:27017', 'mongo3:27017']
const root = { user: 'root', pwd: secret('mongodb-root-password') }
const service = { user: 'jwt-generator', pwd: secret('mongodb-password') }

const until = (what, done) => {
  for (let i = 0; i < 120; i++) {
    if (done()) return
    sleep(500)
  }
  throw new Error(`gave up waiting until ${what}`)
}
const loggedIn = (admin) => {
  try {
    return admin.auth(root.user, root.pwd).ok === 1
  } catch {
    return false
  }
}
// As root at whoever leads, which after the first start may be any member.
const leader = () => {
  const address = `mongodb://${root.user}:${root.pwd}@${members}/admin?replicaSet=rs0&serverSelectionTimeoutMS=30000`
  return connect(address)
}

let admin = connect('mongodb://127.0.0.1:27017/admin?directConnection=true')
if (!loggedIn(admin)) {
  // One member first: with three, another might be elected, and from here nobody without a user can write there.
  try {
    rs.initiate({ _id: 'rs0', members: [{ _id: 0, host: members[0] }] })
  } catch (error) {
    if (error.codeName !== 'AlreadyInitialized') throw error
  }
  until('mongo1 leads', () => admin.hello().isWritablePrimary)
  admin.createUser({ ...root, roles: ['root'] })
  until('root can log in', () => loggedIn(admin))
}

admin = leader()
db = admin // what rs.add works on
const known = rs.conf().members.map((member) => member.host)
for (const member of members.filter((host) => !known.includes(host))) {
  rs.add(member)
  until(`${member} follows`, () => rs.status().members.every((m) => ['PRIMARY', 'SECONDARY'].includes(m.stateStr)))
}

const own = admin.getSiblingDB('jwt-generator')
if (own.getUser(service.user) === null) {
  own.createUser({ ...service, roles: [{ role: 'readWrite', db: 'jwt-generator' }] })
}
print('the replica set is ready')
