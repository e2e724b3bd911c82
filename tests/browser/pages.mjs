// node pages.mjs BASE_URL CALLBACK_PORT: uses the pages on which users log in as a person would, in headless Chromium. The client
// `web` has the address http://127.0.0.1/cb; this program listens there, at CALLBACK_PORT. Fails on console errors, policy
// violations, requests to elsewhere and accessibility violations. CHROMIUM names the browser; SCREENSHOTS a folder for pictures.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [base, port] = [process.argv[2]?.replace(/\/$/, ""), process.argv[3]];
if (!base || !port) {
  console.error("usage: node pages.mjs BASE_URL CALLBACK_PORT");
  process.exit(2);
}
const pictures = process.env.SCREENSHOTS;
const callback = `http://127.0.0.1:${port}/cb`;
const phone = { width: 390, height: 844 };
const desktop = { width: 1280, height: 900 };
let failures = 0;

// The client: it shows the answer that it got.
const client = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => (body += chunk));
  request.on("end", () => {
    const answer = request.method === "POST" ? new URLSearchParams(body) : new URL(request.url, callback).searchParams;
    response.setHeader("content-type", "text/html");
    response.end(`<!doctype html><html lang="en"><title>Client</title><link rel="icon" href="data:,">
      <h1>${request.method}</h1><pre>${[...answer.keys()].sort().join(" ")}</pre>`);
  });
});
await new Promise((listening) => client.listen(Number(port), "127.0.0.1", listening));

async function check(title, run) {
  try {
    await run();
    console.log(`ok ${title}`);
  } catch (error) {
    failures += 1;
    console.log(`not ok ${title}\n  ${String(error.stack ?? error).replaceAll("\n", "\n  ")}`);
  }
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

// A browser of a new visitor; `complaints` gathers what goes wrong.
async function visitor({ viewport = desktop, colorScheme = "light", locale = "en", javaScriptEnabled = true } = {}) {
  const context = await browser.newContext({ viewport, colorScheme, locale, javaScriptEnabled, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  const complaints = [];
  const allowed = [new URL(base).origin, new URL(callback).origin];
  page.on("console", (message) => {
    if (message.type() === "error" && !/status of 40[039]/.test(message.text())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "data:" && !allowed.includes(url.origin)) complaints.push(`elsewhere: ${request.url()}`);
  });
  return { page, complaints };
}

function authorize(more = {}) {
  const params = new URLSearchParams({
    client_id: "web",
    redirect_uri: callback,
    response_type: "code",
    scope: "openid profile email orders.read offline_access",
    state: "s",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    code_challenge_method: "S256",
    ...more,
  });
  return `${base}/oauth/authorize?${params}`;
}

async function picture(page, name) {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
}

// The page may run no script, so that axe comes from the program that drives the browser.
async function accessible(page) {
  const { source } = createRequire(import.meta.url)("axe-core");
  await page.evaluate(source);
  const { violations } = await page.evaluate(() => axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  }));
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target, any }) => `${target} ${any[0]?.message ?? ""}`).join(" | ")}`);
  assert.deepEqual(told, [], told.join("\n"));
}

async function fits(page) {
  const [content, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(content <= width, `the page is ${content} px wide on a screen of ${width} px`);
}

async function fine(page, name) {
  await picture(page, name);
  await fits(page);
  await accessible(page);
}

let users = 0;
// Registers a new user on the page that is open.
async function register(page) {
  users += 1;
  const name = `browser${process.pid}x${users}`;
  await page.locator("#username").fill(name);
  await page.locator("#email").fill(`${name}@example.com`);
  await page.locator("#password").fill("correct horse battery");
  await page.locator("form button").click();
  return name;
}

await check("a new user registers, permits the app and returns to it with a code", async () => {
  const { page, complaints } = await visitor();
  await page.goto(authorize());
  await page.locator(".other a").click();
  await register(page);
  await page.locator("h1", { hasText: "Allow" }).waitFor();
  await page.locator("button[value=allow]").click();
  await page.waitForURL(`${callback}?**`);
  assert.equal(await page.locator("pre").innerText(), "code iss state");
  assert.deepEqual(complaints, []);
  await page.context().close();
});

await check("the answer comes by a form, with and without scripts", async () => {
  for (const javaScriptEnabled of [true, false]) {
    const { page, complaints } = await visitor({ javaScriptEnabled });
    await page.goto(authorize({ response_mode: "form_post" }));
    await page.locator(".other a").click();
    await register(page);
    await page.locator("button[value=allow]").click();
    if (!javaScriptEnabled) await page.locator("noscript button, form button").click();
    await page.locator("h1", { hasText: "POST" }).waitFor();
    assert.equal(await page.locator("pre").innerText(), "code iss state");
    assert.deepEqual(complaints, []);
    await page.context().close();
  }
});

await check("a client begins by a form of its own page, and the session still counts", async () => {
  const { page, complaints } = await visitor();
  await page.goto(`${base}/oauth/register`);
  await register(page);
  await page.locator("h1", { hasText: "Your account" }).waitFor();
  await page.goto(callback);
  await page.evaluate((address) => {
    const form = document.createElement("form");
    const { origin, pathname, searchParams } = new URL(address);
    Object.assign(form, { method: "post", action: origin + pathname });
    for (const [name, value] of searchParams) {
      form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    }
    document.body.append(form);
    form.submit();
  }, authorize());
  await page.locator("h1", { hasText: "Allow" }).waitFor();
  assert.deepEqual(complaints, []);
  await page.context().close();
});

await check("by keyboard alone: every field, link and button has a visible focus, and Enter logs in", async () => {
  const { page, complaints } = await visitor();
  await page.goto(`${base}/oauth/register`);
  const name = await register(page);
  await page.locator("h1", { hasText: "Your account" }).waitFor();
  await page.context().clearCookies();
  await page.goto(authorize());
  assert.equal(await page.evaluate(() => document.activeElement.id), "username", "the first field has the focus");
  await page.keyboard.type(name);
  for (const id of ["password", ""]) {
    await page.keyboard.press("Tab");
    const [focused, outline] = await page.evaluate(() =>
      [document.activeElement.id, getComputedStyle(document.activeElement).outlineStyle]);
    assert.deepEqual([focused, outline], [id, "solid"]);
  }
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "A");
  await page.locator("#password").focus();
  await page.keyboard.type("correct horse battery");
  await page.keyboard.press("Enter");
  await page.locator("h1", { hasText: "Allow" }).waitFor();
  await page.locator("button[value=allow]").focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(`${callback}?**`);
  assert.deepEqual(complaints, []);
  await page.context().close();
});

for (const [size, viewport] of Object.entries({ desktop, phone })) {
  for (const colorScheme of ["light", "dark"]) {
    const locale = { desktoplight: "en", desktopdark: "de", phonelight: "fr", phonedark: "ja" }[size + colorScheme];
    await check(`every page on a ${size}, ${colorScheme}, in ${locale}: fits, accessible, quiet`, async () => {
      const { page, complaints } = await visitor({ viewport, colorScheme, locale });
      const name = (title) => `${title}-${size}-${colorScheme}-${locale}`;
      await page.goto(authorize());
      assert.equal(await page.evaluate(() => document.documentElement.lang), locale);
      await fine(page, name("log-in"));
      await page.locator("form button").click();
      assert.equal(await page.locator("[aria-invalid]").count(), 2);
      await fine(page, name("log-in-faults"));
      await page.locator("#username").fill("unknown");
      await page.locator("#password").fill("wrong password");
      await page.locator("form button").click();
      await page.locator("[role=alert]").waitFor();
      await fine(page, name("log-in-refused"));
      await page.locator(".other a").click();
      await fine(page, name("register"));
      await page.locator("form button").click();
      assert.equal(await page.locator("[aria-invalid]").count(), 3);
      await fine(page, name("register-faults"));
      await register(page);
      await page.locator("button[value=allow]").waitFor();
      await fine(page, name("consent"));
      await page.locator("button[value=allow]").click();
      await page.waitForURL(`${callback}?**`);
      await page.goto(authorize({ prompt: "select_account" }));
      await fine(page, name("choose"));
      await page.goto(authorize({ redirect_uri: "https://other.example/" }));
      await fine(page, name("error"));
      await page.goto(`${base}/account`);
      await fine(page, name("account"));
      await page.goto(`${base}/oauth/logout`);
      await fine(page, name("log-out"));
      await page.locator("button[value=log_out]").click();
      await page.locator("button").waitFor({ state: "detached" });
      await fine(page, name("logged-out"));
      assert.deepEqual(complaints, []);
      await page.context().close();
    });
  }
}

await browser.close();
client.close();
console.log(failures ? `${failures} failed` : "all passed");
process.exit(failures ? 1 : 0);
