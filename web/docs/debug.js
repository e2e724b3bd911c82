// Each check returns what it saw, or throws what is wrong: an Error for a failure, a Warning for something to look at.
"use strict";

class Warning extends Error {}

const rows = document.getElementById("checks");
// What this server states in Cache-Control; empty if it has no key set.
const maxAge = rows.dataset.maxAge;

const api = new URL("../", location.href);
const server = new URL("../../", location.href);
const assets = ["swagger-ui.css", "swagger-ui-bundle.js", "docs.css", "docs.js", "hub.js", "debug.js", "favicon.svg"];

const want = (condition, complaint, Kind = Error) => {
  if (!condition) throw new Kind(complaint);
};

async function ask(url, options = {}) {
  const began = performance.now();
  const answer = await fetch(url, { cache: "no-store", ...options });
  const took = performance.now() - began;
  const middle = Date.now() - took / 2;
  return { answer, took: Math.round(took), middle, text: await answer.text() };
}

async function askJson(url, options) {
  const asked = await ask(url, options);
  want(asked.answer.ok, `status ${asked.answer.status}: ${asked.text.slice(0, 120)}`);
  const type = asked.answer.headers.get("content-type") ?? "none";
  want(type.startsWith("application/json"), `the content type is ${type}, not application/json: is a proxy answering?`);
  return { ...asked, json: JSON.parse(asked.text) };
}

const post = (url, body) =>
  ask(url, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

const importing = {
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  PS256: { name: "RSA-PSS", hash: "SHA-256", saltLength: 32 },
  ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  EdDSA: { name: "Ed25519" },
};

function importKey(jwk) {
  want(crypto.subtle, "browsers offer cryptography only on https and localhost", Warning);
  return crypto.subtle.importKey("jwk", { ...jwk, alg: undefined }, importing[jwk.alg], false, ["verify"]);
}

const bytes = (base64url) => Uint8Array.from(atob(base64url.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

async function isSigned(token, keys) {
  const [header, payload, signature] = token.split(".");
  const { kid, alg } = JSON.parse(new TextDecoder().decode(bytes(header)));
  const jwk = keys.find((key) => key.kid === kid);
  want(jwk, `the key set has no key with the kid ${kid}: is an old key set cached?`);
  const signed = new TextEncoder().encode(`${header}.${payload}`);
  return crypto.subtle.verify(importing[alg], await importKey(jwk), bytes(signature), signed);
}

const checks = [
  ["Server", async () => {
    const { json, took } = await askJson(new URL("health", server));
    return `version ${json.version}, answered in ${took} ms`;
  }],
  ["Database", async () => {
    const { json } = await askJson(new URL("health", server));
    want(json.database_connected, "the database does not answer: /api/auth does not work, tokens and keys do", Warning);
    return "the database answers";
  }],
  ["Key set", async () => {
    const { json } = await askJson(new URL("jwks", api));
    want(json.keys?.length, "the key set contains no key");
    want(!json.keys.some((key) => "d" in key), "the key set contains a private key: stop this server now");
    return json.keys.map((key) => `${key.kid} (${key.alg})`).join(", ");
  }],
  ["Keys can be used", async () => {
    const { json } = await askJson(new URL("jwks", api));
    await Promise.all(json.keys.map(importKey));
    return `this browser can use ${json.keys.length === 1 ? "the key" : `all ${json.keys.length} keys`}`;
  }],
  ["Key set caching", async () => {
    const { answer } = await ask(new URL("jwks", api));
    const age = answer.headers.get("cache-control") ?? "none";
    const tag = answer.headers.get("etag");
    want(age === `public, max-age=${maxAge}`, `Cache-Control is ${age}, not public, max-age=${maxAge}: does a proxy change it?`, Warning);
    want(tag, "there is no ETag: does a proxy remove it?", Warning);
    const again = await ask(new URL("jwks", api), { headers: { "If-None-Match": tag } });
    want(again.answer.status === 304, `a repeated request got status ${again.answer.status}, not 304`, Warning);
    return `${age}; a repeated request gets status 304`;
  }],
  ["Well-known path", async () => {
    const [one, other] = await Promise.all([
      askJson(new URL("jwks", api)), askJson(new URL(".well-known/jwks.json", server))]);
    want(one.text === other.text, "it is not the same key set as /api/jwks", Warning);
    return "it has the same key set";
  }],
  ["Token", async () => {
    const { answer, text } = await post(new URL("token/generate", api), {});
    const made = JSON.parse(text);
    if (answer.status === 403) return "not checked: demo tokens are off on this server";
    want(answer.ok, `status ${answer.status}: ${made.error}`);
    const token = made.data.access_token;
    const checked = await post(new URL("token/validate", api), { token });
    want(checked.answer.ok, `the server refuses its own token: ${JSON.parse(checked.text).data?.code}`);
    if (!crypto.subtle) return "the server accepts its own token";
    const { json } = await askJson(new URL("jwks", api));
    want(await isSigned(token, json.keys), "this browser finds the signature invalid");
    return "the server and this browser accept the token";
  }],
  ["API document", async () => {
    const { json } = await askJson("openapi.json");
    const count = Object.values(json.paths)
      .flatMap((path) => Object.keys(path)).filter((key) => ["get", "post", "put", "patch", "delete"].includes(key)).length;
    const named = new URL(json.servers[0].url, location.href);
    const whole = `OpenAPI ${json.openapi}, ${count} operations`;
    want(json.servers[0].url === "/" || location.href.startsWith(named.href),
      `${whole}; its server is ${named.href}, but you are at ${server.href}: check PUBLIC_URL`, Warning);
    return whole;
  }],
  ["Files of these pages", async () => {
    const asked = await Promise.all(assets.map((file) => ask(`assets/${file}`)));
    const missing = assets.filter((_, i) => !asked[i].answer.ok);
    want(!missing.length, `missing: ${missing.join(", ")}`);
    return `all ${assets.length} files arrive`;
  }],
  ["Clock", async () => {
    const { answer, middle } = await ask(new URL("health", server));
    const date = answer.headers.get("date");
    want(date, "there is no Date header: does a proxy remove it?", Warning);
    // The header has whole seconds.
    const apart = Math.round((Date.parse(date) + 500 - middle) / 1000);
    const told = apart === 0 ? "agrees with the clock of this device" : `is ${Math.abs(apart)} s ${apart > 0 ? "ahead of" : "behind"} the clock of this device`;
    want(Math.abs(apart) <= 5, `the clock of the server ${told}: tokens can appear expired or not yet valid`, Math.abs(apart) > 60 ? Error : Warning);
    return `the clock of the server ${told}`;
  }],
  ["Other origins (CORS)", async () => {
    const { answer } = await ask(new URL("health", server));
    const allowed = answer.headers.get("access-control-allow-origin");
    const options = await ask(new URL("token/generate", api), { method: "OPTIONS" });
    want(options.answer.status === 204, `OPTIONS got status ${options.answer.status}, not 204: does a proxy block it?`, Warning);
    return allowed === "*" ? "pages of every origin may call this server" : "only pages of the origins in ALLOWED_ORIGINS may call this server";
  }],
  ["Request id", async () => {
    const id = `check-${Date.now().toString(36)}`;
    const { answer } = await ask(new URL("health", server), { headers: { "X-Request-Id": id } });
    const seen = answer.headers.get("x-request-id");
    want(seen, "there is no request id in the response: does a proxy remove it?", Warning);
    want(seen === id, `a proxy changed it to ${seen}`, Warning);
    return "the response has the request id that was sent";
  }],
];

const words = { running: "…", fine: "ok", warning: "warning", failed: "failed" };
const sum = document.getElementById("sum");
const again = document.getElementById("again");

function cell(tag, text, label) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (label) made.dataset.label = label;
  return made;
}

function addRow(name) {
  const row = document.createElement("tr");
  const head = cell("th", name);
  head.scope = "row";
  row.append(head, cell("td", "", "Result"), cell("td", "", "Details"));
  rows.append(row);
  return row;
}

function fill(row, state, text) {
  const mark = cell("span", words[state]);
  mark.className = `mark ${state}`;
  row.dataset.state = state;
  row.children[1].replaceChildren(mark);
  row.children[2].textContent = text;
}

async function runOne([name, check], row) {
  fill(row, "running", "");
  try {
    fill(row, "fine", await check());
  } catch (error) {
    fill(row, error instanceof Warning ? "warning" : "failed", error.message);
  }
}

async function run() {
  again.disabled = true;
  sum.textContent = "Running …";
  rows.replaceChildren();
  await Promise.all(checks.map((check) => runOne(check, addRow(check[0]))));
  const count = (state) => rows.querySelectorAll(`[data-state=${state}]`).length;
  const parts = [`${count("fine")} of ${checks.length} ok`];
  if (count("warning")) parts.push(`${count("warning")} with a warning`);
  if (count("failed")) parts.push(`${count("failed")} failed`);
  sum.textContent = parts.join(", ");
  again.disabled = false;
}

function report() {
  const lines = [...rows.children].map((row) => [...row.children].map((c) => c.textContent).join(" | "));
  return [`${location.href} at ${new Date().toISOString()}`, navigator.userAgent, ...lines].join("\n");
}

const copy = document.getElementById("copy");
if (navigator.clipboard) {
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(report());
      sum.textContent = "Copied";
    } catch {
      sum.textContent = "The browser does not allow copying here";
    }
  });
} else {
  copy.hidden = true;
}
again.addEventListener("click", run);
run();
