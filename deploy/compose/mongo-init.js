// Joins the members and makes the users, from whatever state a start before this one left them in.
const fs = require('fs')
const secret = (name) => fs.readFileSync(`/run/secrets/${name}`, 'utf8').trim()
const members = (process.env.MONGO_MEMBERS ?? 'mongo1,mongo2,mongo3').split(',').map((host) => `${host}:27017`)

const until = (what, attempt) => {
  for (let left = 60; ; left--) {
    try {
      const result = attempt() // a bare `return attempt()` would be awaited outside of the try
      return result
    } catch (error) {
      if (left === 0) throw error
      print(`not yet: ${what}: ${error.message}`)
      sleep(1000)
    }
  }
}

// Connects as the members of the set do. There is no user yet that could log in, and a MongoDB without users accepts commands
// without a log-in only from its own machine.
const asMember = (hosts, options) => {
  const password = encodeURIComponent(secret('mongodb-keyfile').replace(/\s/g, ''))
  return connect(`mongodb://__system:${password}@${hosts}/admin?authSource=local&serverSelectionTimeoutMS=5000&${options}`)
}

const first = until(`${members[0]} answers`, () => asMember(members[0], 'directConnection=true'))
if (first.hello().setName === undefined) {
  until('all are there', () =>
    first.adminCommand({ replSetInitiate: { _id: 'rs0', members: members.map((host, _id) => ({ _id, host })) } }))
}

const leader = until('one of them leads', () => asMember(members, 'replicaSet=rs0'))
const user = (database, name, password, role) => {
  const there = leader.getSiblingDB(database)
  if (there.getUser(name) === null) there.createUser({ user: name, pwd: secret(password), roles: [{ role, db: database }] })
}
until('users are made', () => {
  user('admin', 'root', 'mongodb-root-password', 'root')
  user('jwt-generator', 'jwt-generator', 'mongodb-password', 'readWrite')
})
print('the replica set is ready')
