// pm2 start deploy/pm2/ecosystem.config.js: runs the program in place of `dist/index.js` of simple-jwt-generator, in the folder
// with .env and keys/. JWT_GENERATOR is the path of the program, if it is not in PATH.
const { execFileSync } = require('node:child_process')

const find = () => execFileSync('sh', ['-c', 'command -v jwt-generator'], { encoding: 'utf8' }).trim()

module.exports = {
  apps: [
    {
      name: 'jwt-generator',
      script: process.env.JWT_GENERATOR ?? find(),
      args: 'serve',
      interpreter: 'none',
      cwd: process.cwd(),
      env: { NODE_ENV: 'production' },
      // One instance: it uses all cores. Two instances with keys in a folder refuse to start.
      exec_mode: 'fork',
      instances: 1,
      // The service ends within 9 seconds after SIGINT or SIGTERM.
      kill_timeout: 15000,
      // Exit code 2: a setting is wrong, and another start does not help.
      stop_exit_codes: [2],
      min_uptime: 1000
    }
  ]
}
