// node docs.mjs BASE_URL: uses the documentation pages of a running server as a person would, in headless Chromium.
// Fails on console errors, policy violations, requests to elsewhere, failed requests and accessibility violations.
// CHROMIUM names the browser; SCREENSHOTS a folder for pictures.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const base = process.argv[2]?.replace(/\/$/, "");
if (!base) {
  console.error("usage: node docs.mjs BASE_URL");
  process.exit(2);
}
const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const pictures = process.env.SCREENSHOTS;
const docs = `${base}/api/docs/`;
const phone = { width: 390, height: 844 };
const desktop = { width: 1280, height: 900 };
let failures = 0;

async function check(title, run) {
  try {
    await run();
    console.log(`ok ${title}`);
  } catch (error) {
    failures += 1;
    console.log(`not ok ${title}\n  ${String(error.message ?? error).replaceAll("\n", "\n  ")}`);
  }
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

// A page on which nothing may go wrong; `complaints` gathers what does.
async function open(path, { viewport = desktop, colorScheme = "light" } = {}) {
  const context = await browser.newContext({ viewport, colorScheme, reducedMotion: "reduce" });
  await context.addInitScript({ path: axe });
  await context.addInitScript(() => {
    addEventListener("securitypolicyviolation", (e) =>
      console.error(`policy: ${e.violatedDirective} stopped ${e.blockedURI || "inline code"}`));
  });
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  const complaints = [];
  const origin = new URL(base).origin;
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(`console ${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
  page.on("requestfailed", (request) => complaints.push(`failed: ${request.url()} ${request.failure()?.errorText}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.protocol !== "data:" && url.origin !== origin) complaints.push(`elsewhere: ${request.url()}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) complaints.push(`status ${response.status()}: ${response.url()}`);
  });
  const answer = await page.goto(docs + path);
  assert.equal(answer.status(), 200);
  return { page, complaints, answer };
}

async function picture(page, name) {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
}

async function accessible(page) {
  const { violations } = await page.evaluate(() => axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
  }));
  const told = violations.map(({ id, impact, nodes }) =>
    `${impact} ${id} × ${nodes.length}: ${nodes.slice(0, 8).map(({ target, html, any }) => `${target} ${html.slice(0, 120)} ${any[0]?.message ?? ""}`).join("\n    ")}`);
  assert.deepEqual(told, [], told.join("\n"));
}

async function fits(page) {
  const [content, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(content <= width, `the page is ${content} px wide on a screen of ${width} px`);
}

async function ready(page) {
  await page.locator(".swagger-ui .opblock").first().waitFor();
}

// Opens an operation of Swagger UI, fills it in, executes it, and returns what is shown.
async function execute(page, tag, operationId, body) {
  const block = page.locator(`#operations-${tag}-${operationId}`);
  await block.locator(".opblock-summary-control").click();
  if (body) await block.locator("textarea.body-param__text").fill(JSON.stringify(body));
  await block.locator("button.execute").click();
  const live = block.locator(".live-responses-table");
  await live.waitFor();
  const status = Number.parseInt(await live.locator("tbody .response-col_status").first().innerText(), 10);
  const shown = await live.locator("tbody .response-col_description .highlight-code pre, tbody .response-col_description pre.microlight")
    .first().innerText();
  return { status, body: JSON.parse(shown) };
}

await check("Swagger UI: generate, register, authorize, profile", async () => {
  const { page, complaints, answer } = await open("docs");
  assert.match(answer.headers()["content-security-policy"], /default-src 'none'/);
  assert.doesNotMatch(answer.headers()["content-security-policy"], /unsafe/);
  await ready(page);

  const generated = await execute(page, "Tokens", "generate_token", { username: "ada", email: "ada@example.com" });
  assert.equal(generated.status, 200);
  assert.equal(generated.body.success, true);
  assert.match(generated.body.data.access_token, /^[\w-]+\.[\w-]+\.[\w-]+$/);
  const claims = JSON.parse(Buffer.from(generated.body.data.access_token.split(".")[1], "base64url"));
  assert.equal(claims.username, "ada");
  assert.equal(claims.demo, true);

  const username = `browser${Math.random().toString(36).slice(2, 12)}`;
  const email = `${username}@example.com`;
  const registered = await execute(page, "Accounts", "register_user", { username, email, password: "correct horse" });
  assert.equal(registered.status, 201);
  assert.equal(registered.body.data.user.username, username);

  await page.locator(".auth-wrapper .btn.authorize").first().click();
  const dialog = page.locator(".dialog-ux .modal-ux");
  const bearer = dialog.locator("form", { hasText: "bearerAuth" });
  await bearer.locator("input[aria-label='auth-bearer-value']").fill(registered.body.data.token.access_token);
  await picture(page, "docs-authorize");
  await accessible(page);
  await bearer.locator("button.authorize[type=submit]").click();
  await bearer.locator("button.btn-done").click();
  await dialog.waitFor({ state: "detached" });

  const profile = await execute(page, "Accounts", "get_profile");
  assert.equal(profile.status, 200);
  assert.equal(profile.body.data.username, username);
  assert.equal(profile.body.data.email, email);
  assert.equal(profile.body.data._id, registered.body.data.user._id);

  await picture(page, "docs-used");
  await accessible(page);
  assert.deepEqual(complaints, []);
  await page.context().close();
});

await check("Swagger UI: a link to an operation opens it", async () => {
  const { page, complaints } = await open("docs#/Keys/get_jwks");
  await page.locator("#operations-Keys-get_jwks.is-open").waitFor();
  assert.deepEqual(complaints, []);
  await page.context().close();
});

await check("Swagger UI: by keyboard alone", async () => {
  const { page, complaints } = await open("docs");
  await ready(page);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement.id === "main");
  await page.locator("#operations-Tokens-generate_token .opblock-summary-control").focus();
  await page.keyboard.press("Enter");
  await page.locator("#operations-Tokens-generate_token button.execute").focus();
  await page.keyboard.press("Enter");
  await page.locator("#operations-Tokens-generate_token .live-responses-table").waitFor();
  assert.deepEqual(complaints, []);
  await page.context().close();
});

await check("hub: the commands name this server and can be copied", async () => {
  const { page, complaints } = await open("");
  assert.equal(await page.locator("[data-base]").first().innerText(), base);
  const shown = await page.locator(".steps pre").last().innerText();
  assert.equal(shown, `curl -s ${base}/api/jwks`);
  if (await page.evaluate(() => isSecureContext)) {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"], { origin: new URL(base).origin });
    await page.getByRole("button", { name: "Copy the command: fetch the public keys" }).click();
    await page.getByRole("status").getByText("Copied").waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), shown);
  }
  for (const link of await page.locator("main a").all()) {
    const followed = await page.request.get(new URL(await link.getAttribute("href"), docs).href);
    assert.equal(followed.status(), 200, await link.getAttribute("href"));
  }
  assert.deepEqual(complaints, []);
  await page.context().close();
});

await check("checks: every one is fine", async () => {
  const { page, complaints } = await open("debug");
  await page.locator("#sum", { hasText: "ok" }).waitFor();
  const rows = await page.locator("#checks tr").evaluateAll((all) => all.map((row) => [row.dataset.state, row.innerText]));
  assert.ok(rows.length >= 10);
  const bad = rows.filter(([state]) => state !== "fine");
  assert.deepEqual(bad, [], bad.map(([, text]) => text).join("\n"));
  assert.deepEqual(complaints, []);
  await page.context().close();
});

await check("/: a page whose links and styles work there, too", async () => {
  const { page, complaints } = await open("../../");
  assert.equal(page.url(), `${base}/`);
  assert.equal(await page.locator(".steps pre").last().innerText(), `curl -s ${base}/api/jwks`);
  for (const link of await page.locator("a[href]:not(.skip)").all()) {
    const followed = await page.request.get(new URL(await link.getAttribute("href"), page.url()).href);
    assert.equal(followed.status(), 200, await link.getAttribute("href"));
  }
  assert.deepEqual(complaints, []);
  await page.context().close();
});

await check("hub: by keyboard alone, every link and button has a visible focus", async () => {
  const { page, complaints } = await open("");
  const expected = await page.locator("a[href], button, pre[tabindex]").count();
  const reached = new Set();
  for (let presses = 0; presses < expected; presses += 1) {
    await page.keyboard.press("Tab");
    const [place, name, outline] = await page.evaluate(() => {
      const { activeElement: element } = document;
      const styles = [getComputedStyle(element), getComputedStyle(element, "::after")];
      const place = [...document.querySelectorAll("*")].indexOf(element);
      return [place, element.outerHTML.slice(0, 90), styles.some(({ outlineStyle }) => outlineStyle === "solid")];
    });
    assert.ok(outline, `no visible focus: ${name}`);
    reached.add(place);
  }
  assert.equal(reached.size, expected);
  assert.deepEqual(complaints, []);
  await page.context().close();
});

await check("Swagger UI: on a phone, a table that is too wide says that it scrolls, and a keyboard reaches it", async () => {
  const { page, complaints } = await open("docs", { viewport: phone });
  await ready(page);
  const tables = await page.locator(".info .renderedMarkdown table").evaluateAll((all) => all.map((table) => ({
    wide: table.scrollWidth > table.clientWidth,
    told: getComputedStyle(table, "::before").content.includes("Scroll sideways"),
    reached: table.tabIndex === 0,
  })));
  assert.ok(tables.some(({ wide }) => wide));
  for (const table of tables) assert.deepEqual(table, { wide: table.wide, told: table.wide, reached: table.wide });
  assert.deepEqual(complaints, []);
  await page.context().close();
});

const waits = {
  "": (page) => page.locator("h1").waitFor(),
  "../../": (page) => page.locator("h1").waitFor(),
  docs: ready,
  "docs-inline": ready,
  debug: (page) => page.locator("#sum", { hasText: "ok" }).waitFor(),
};

for (const [path, wait] of Object.entries(waits)) {
  for (const [size, viewport] of Object.entries({ desktop, phone })) {
    for (const colorScheme of ["light", "dark"]) {
      const title = { "": "hub", "../../": "root" }[path] ?? path;
      const name = `${title}-${size}-${colorScheme}`;
      await check(`${title} on a ${size}, ${colorScheme}: fits, accessible, quiet`, async () => {
        const { page, complaints } = await open(path, { viewport, colorScheme });
        await wait(page);
        assert.notEqual(await page.title(), "");
        await picture(page, name);
        await fits(page);
        await accessible(page);
        if (path === "docs") {
          await execute(page, "Tokens", "generate_token");
          await page.locator("#operations-Keys-get_jwks .opblock-summary-control").click();
          await page.locator("#operations-Keys-get_jwks .responses-inner").waitFor();
          await picture(page, `${name}-open`);
          await fits(page);
          await accessible(page);
        }
        assert.deepEqual(complaints, []);
        await page.context().close();
      });
    }
  }
}

await browser.close();
console.log(failures ? `${failures} failed` : "all passed");
process.exit(failures ? 1 : 0);
