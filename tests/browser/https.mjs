// A person whose browser trusts the organisation's certificate: over https://<name> the app is installed by its service
// worker, opens without the node, and keeps what is written until the node is back.
//
// NOROSHI_HTTPS is a line of JSON: {url, helper, host, login, password, room}. HOME must hold the browser's trust (an NSS
// database with the authority). NOROSHI_UNTRUSTED=1: the same browser without it sees ✗ and gets no page.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const office = JSON.parse(process.env.NOROSHI_HTTPS);
const untrusted = process.env.NOROSHI_UNTRUSTED === "1";
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const LIMIT = 15_000;

const browser = await chromium.launch({
  executablePath: process.env.NOROSHI_CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    `--host-resolver-rules=MAP ${office.host} 127.0.0.1`,
  ],
});

async function step(name, work) {
  const start = Date.now();
  await work();
  console.log(`ok  ${name} (${Date.now() - start} ms)`);
}

/** WCAG 2.2 AA by axe. The page's own policy lets no foreign script in, so it comes by the debugger. */
async function accessible(page, where) {
  await page.evaluate(axe);
  const violations = await page.evaluate(async () => {
    const result = await window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] });
    return result.violations.map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.target).join(" ")}`);
  });
  assert.deepEqual(violations, [], `accessibility of ${where}`);
}

const context = await browser.newContext({ locale: "ja-JP", viewport: { width: 360, height: 740 } });
const page = await context.newPage();
page.setDefaultTimeout(LIMIT);
const at = (id) => page.getByTestId(id);
const message = (text) => at("message").filter({ hasText: text }).first();
const reaches = (text, states) =>
  message(text).and(page.locator(states.map((state) => `[data-state="${state}"]`).join(","))).waitFor();

try {
  await step(`the helper page says ${untrusted ? "✗" : "✓"}`, async () => {
    await page.goto(office.helper);
    await page.locator(`#trust[data-state="${untrusted ? "no" : "yes"}"]`).waitFor();
    await accessible(page, "the helper page");
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 360, `${width} px wide on a phone`);
    const foreign = await page.evaluate(() => [...document.querySelectorAll("script,link")].filter((e) => !(e.src || e.href).startsWith(location.origin)).length);
    assert.equal(foreign, 0);
  });
  await step("the poster fits on one sheet of A4", async () => {
    await page.goto(`${office.helper}poster`);
    await accessible(page, "the poster");
    const pdf = await page.pdf({ preferCSSPageSize: true });
    assert.equal(pdf.toString("latin1").match(/\/Type\s*\/Page\b/g).length, 1);
  });
  if (untrusted) {
    await step("the browser refuses the node", async () => {
      await assert.rejects(page.goto(office.url), /ERR_CERT/);
    });
  } else {
    await trusted();
  }
  console.log("https: all steps passed");
} catch (error) {
  console.error(error);
  console.error(`The page ${page.url()} says: ${await page.evaluate(() => document.body.innerText).catch(String)}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}

/** Waits until a store of the page's database holds this text: the app saves a moment after what it shows. */
async function keeps(store, text) {
  const look = async ([store, text]) => {
    const result = (request) => new Promise((done) => (request.onsuccess = () => done(request.result)));
    const database = await result(indexedDB.open("noroshi"));
    const rows = await result(database.transaction(store).objectStore(store).getAll());
    database.close();
    return JSON.stringify(rows).includes(text);
  };
  const start = Date.now();
  while (!(await page.evaluate(look, [store, text]))) assert.ok(Date.now() - start < LIMIT, `${store} keep ${text}`);
}

async function trusted() {
  await step("the service worker takes over the page", async () => {
    await page.goto(office.url);
    assert.equal(await page.evaluate(() => window.isSecureContext), true);
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
    await page.reload();
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  });
  await step("a person logs in and writes", async () => {
    await at("login-name").fill(office.login);
    await at("login-password").fill(office.password);
    await at("login-submit").click();
    await at("room-item").filter({ hasText: office.room }).first().click();
    await at("composer-input").fill("線があるうち");
    await at("composer-send").click();
    await reaches("線があるうち", ["stored", "arrived", "read"]);
    const cookies = await context.cookies();
    assert.ok(cookies.length >= 2 && cookies.every((cookie) => cookie.name.startsWith("__Host-") && cookie.secure));
  });
  await step("what was opened is kept in the browser", async () => {
    await page.reload();
    await message("線があるうち").waitFor();
    await keeps("messages", "線があるうち");
    await keeps("rooms", office.room);
  });
  await step("without the node the app opens and keeps what is written", async () => {
    await context.setOffline(true);
    await page.reload();
    await message("線があるうち").waitFor();
    await at("composer-input").fill("ノードにも届かない投稿");
    await at("composer-send").click();
    await reaches("ノードにも届かない投稿", ["waiting"]);
  });
  await step("when the node is back it is sent", async () => {
    await context.setOffline(false);
    await reaches("ノードにも届かない投稿", ["stored", "arrived", "read"]);
    await page.reload();
    await reaches("ノードにも届かない投稿", ["stored", "arrived", "read"]);
  });
}
