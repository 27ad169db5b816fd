// An administrator's day at 本庁: import the staff list, print the letters, hand out a device code, enrol a phone, stop it
// in two clicks, let it in again.
//
// Reads the line that `noroshi demo --json` prints from NOROSHI_DEMO. Exits with 1 and a sentence when something is not
// as promised. NOROSHI_SCREENSHOTS names a folder for pictures of the pages.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const demo = JSON.parse(process.env.NOROSHI_DEMO);
const pictures = process.env.NOROSHI_SCREENSHOTS;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const list = new URL("../../samples/shokuin-480.csv", import.meta.url).pathname;
const LIMIT = 15_000;
/** Hundreds of passwords take their time on two cores. */
const APPLIED_WITHIN = 60_000;
/** From the second click to the page of a stopped phone. */
const STOPPED_WITHIN = 2_000;
const PASSCODE = "408271";
const OWN_PASSWORD = "海沿いの道を歩いて帰る犬が二匹";
const SECOND_PASSWORD = "correct horse battery staple";
const DESK = { width: 1280, height: 800 };
const PHONE = { width: 360, height: 740 };
const PAGES = [
  "people",
  "imports",
  "posts",
  "devices",
  "codes",
  "suspensions",
  "offices",
  "audit",
  "keys",
  "usage",
  "rules",
  "policy",
];

const hq = demo.offices.find((office) => office.hq);
const administrator = hq.users.find((user) => user.roles.includes("system_admin"));

const browser = await chromium.launch({
  executablePath: process.env.NOROSHI_CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});

const problems = [];

/** A window of its own, which fails the journey on a page error or a request to anybody but its node. */
async function open(address, viewport) {
  const context = await browser.newContext({ locale: "ja-JP", timezoneId: "Asia/Tokyo", viewport });
  const page = await context.newPage();
  page.setDefaultTimeout(LIMIT);
  page.on("pageerror", (error) => problems.push(`page error: ${error}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(hq.url) && !request.url().startsWith("blob:")) {
      problems.push(`asks a foreign place: ${request.url()}`);
    }
  });
  await page.goto(address);
  return page;
}

const at = (page, id) => page.getByTestId(id);

async function picture(page, name) {
  if (pictures) await page.screenshot({ path: join(pictures, `administration-${name}.png`) });
}

/** WCAG 2.2 AA by axe, and no sideways scrolling. */
async function accessible(page, where) {
  await page.addScriptTag({ content: axe }).catch(() => page.evaluate(axe));
  const violations = await page.evaluate(async () => {
    const result = await window.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"],
    });
    return result.violations.map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.target).join(" ")}`);
  });
  assert.deepEqual(violations, [], `accessibility of ${where}`);
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(overflow <= 0, `${where} is ${overflow} px too wide`);
}

async function step(name, work) {
  const start = Date.now();
  await work();
  assert.deepEqual(problems, [], name);
  console.log(`ok  ${name} (${Date.now() - start} ms)`);
}

async function fillLogin(page, login, password) {
  await at(page, "login-name").fill(login);
  await at(page, "login-password").fill(password);
  await at(page, "login-submit").click();
}

/** Writes an urgent message into the room that is open. */
async function say(page, text) {
  await at(page, "composer-input").fill(text);
  await at(page, "composer-urgent").check({ force: true });
  await at(page, "composer-send").click();
  await at(page, "confirm-ok").click();
}

/** Waits for a message that the node has, and looks how often it is marked as unsigned. */
async function marked(page, text, times) {
  const message = page.locator('[data-testid="message"]:not([data-pending])').filter({ hasText: text }).first();
  await message.waitFor();
  assert.equal(await message.getByTestId("mark-unsigned").count(), times, text);
}

/** Opens a page of the administration from its menu. */
async function go(page, name) {
  await at(page, "nav-administration").click();
  await at(page, `administration-${name}`).click();
  await page.locator(`[data-testid="administration"][data-page="${name}"] h1`).first().waitFor();
}

const desk = await open(hq.url, DESK);
let phone = null;
let person = null;
let code = "";

try {
  await step("an administrator opens every page of the administration", async () => {
    await fillLogin(desk, administrator.login, administrator.password);
    await at(desk, "nav-administration").waitFor();
    for (const page of PAGES) {
      await go(desk, page);
      await desk.waitForLoadState("networkidle");
      assert.equal(await desk.locator('[data-testid="administration"] .status[role="alert"]').count(), 0, page);
      await accessible(desk, page);
      await picture(desk, page);
    }
  });
  await step("a staff list is read, checked and applied with the administrator's key", async () => {
    await go(desk, "imports");
    await at(desk, "import-file").setInputFiles(list);
    await at(desk, "import-counts").waitFor();
    assert.equal(await at(desk, "import-problems").count(), 0);
    await accessible(desk, "a staff list");
    await picture(desk, "import");
    const added = await at(desk, "import-counts").locator('[data-kind="add"] strong').innerText();
    assert.equal(Number(added), 480);
    await at(desk, "import-apply").click();
    await at(desk, "act-typed").fill("4");
    await at(desk, "act-ok").click();
    await at(desk, "act-dialog").waitFor();
    await at(desk, "act-typed").fill("４８０");
    await at(desk, "act-ok").click();
    await at(desk, "key-password").fill("ちがう");
    await at(desk, "key-unlock").click();
    await at(desk, "key-error").waitFor();
    await at(desk, "key-password").fill(administrator.password);
    await at(desk, "key-unlock").click();
    await at(desk, "letters").waitFor({ timeout: APPLIED_WITHIN });
    await desk.locator('[data-testid="key-state"][data-unlocked="true"]').waitFor();
  });
  await step("letters are one page each, and leaving them asks", async () => {
    assert.equal(await at(desk, "letter").count(), 480);
    await picture(desk, "letters");
    const pdf = (await desk.pdf({ preferCSSPageSize: true })).toString("latin1");
    assert.equal(pdf.match(/\/Type\s*\/Page\b/g)?.length, 480);
    const letter = at(desk, "letter").filter({ hasText: "佐藤 太郎" }).first();
    person = {
      login: await letter.getAttribute("data-login"),
      password: (await letter.getByTestId("letter-password").innerText()).trim(),
    };
    await at(desk, "nav-talk").click();
    await at(desk, "confirm-cancel").click();
    assert.equal(await at(desk, "letters").count(), 1);
    await at(desk, "letters-close").click();
    await at(desk, "confirm-ok").click();
    await at(desk, "import-undo").waitFor();
  });
  await step("people are found by the reading of their name", async () => {
    await go(desk, "people");
    await at(desk, "people-search").fill("さとう たろう");
    await at(desk, "person-link").filter({ hasText: "佐藤 太郎" }).first().click();
    await at(desk, "person-page").waitFor();
    await accessible(desk, "a person");
    await picture(desk, "person");
  });
  await step("a device code is issued", async () => {
    await go(desk, "codes");
    await at(desk, "user-search").fill("佐藤 太郎");
    await at(desk, "user-option").filter({ hasText: "佐藤 太郎" }).first().click();
    await at(desk, "act-ok").click();
    code = (await at(desk, "issued-code").innerText()).trim();
    assert.match(code, /^[0-9A-Z]{5}-[0-9A-Z]{5}$/);
    await accessible(desk, "a device code");
    await picture(desk, "code");
    await at(desk, "code-sheet-close").click();
  });
  await step("a phone is enrolled with it and gets a passcode", async () => {
    phone = await open(`${hq.url}/#code=${code.toLowerCase().replace("-", "")}`, PHONE);
    assert.equal(await at(phone, "login-device-code").inputValue(), code);
    assert.ok(!phone.url().includes("code="), "the code stays in the address");
    await accessible(phone, "log-in with a code");
    await fillLogin(phone, person.login, person.password);
    await at(phone, "passcode-gate").waitFor();
    await accessible(phone, "choosing a passcode");
    for (const field of ["wanted", "again"]) await at(phone, `passcode-${field}`).fill(PASSCODE);
    await at(phone, "passcode-save").click();
  });
  await step("the password from the letter gives way to one of one's own", async () => {
    await at(phone, "password-gate").waitFor();
    await accessible(phone, "choosing a password");
    const fill = async (current, wanted, again = wanted) => {
      for (const [field, value] of Object.entries({ current, wanted, again })) {
        await at(phone, `password-${field}`).fill(value);
      }
      await at(phone, "password-again").press("Enter");
    };
    const wrong = (field) => phone.locator(`[name="${field}"][aria-invalid="true"]`).waitFor();
    await fill(person.password, "短い");
    await wrong("wanted");
    await fill(person.password, OWN_PASSWORD, `${OWN_PASSWORD}!`);
    await wrong("again");
    await fill("ちがうパスワードです", OWN_PASSWORD);
    await wrong("current");
    await fill(person.password, "passwordpassword");
    await wrong("wanted");
    await accessible(phone, "a password that is refused");
    await at(phone, "password-show").check();
    assert.equal(await at(phone, "password-wanted").getAttribute("type"), "text");
    await picture(phone, "phone-password");
    await fill(person.password, OWN_PASSWORD);
    await at(phone, "nav-talk").waitFor();
    await picture(phone, "phone-enrolled");
  });
  await step("an urgent message is signed by the phone, and one from the desk is marked", async () => {
    await at(phone, "nav-settings").click();
    await phone.locator('[data-testid="settings-signing"][data-signing="ready"]').waitFor();
    await at(phone, "nav-talk").click();
    await at(phone, "new-direct").click();
    await at(phone, "user-search").fill(administrator.name);
    await at(phone, "user-option").filter({ hasText: administrator.name }).first().click();
    await say(phone, "総員参集してください");
    await at(desk, "nav-talk").click();
    await at(desk, "room-item").filter({ hasText: "佐藤 太郎" }).first().click();
    await marked(desk, "総員参集してください", 0);
    await say(desk, "承知しました、向かいます");
    await marked(desk, "承知しました、向かいます", 1);
    await marked(phone, "承知しました、向かいます", 1);
    await marked(phone, "総員参集してください", 0);
    await accessible(phone, "a message without a signature");
    await picture(phone, "phone-unsigned");
  });
  await step("the password is changed again in the settings", async () => {
    await phone.goto(`${hq.url}/settings`);
    await at(phone, "lock-passcode").fill(PASSCODE);
    await at(phone, "lock-unlock").click();
    await at(phone, "settings-password").click();
    await at(phone, "personal-password").waitFor();
    await accessible(phone, "the page to change the password");
    const values = { current: OWN_PASSWORD, wanted: SECOND_PASSWORD, again: SECOND_PASSWORD };
    for (const [field, value] of Object.entries(values)) await at(phone, `password-${field}`).fill(value);
    await at(phone, "password-save").click();
    await at(phone, "settings-page").waitFor();
  });
  await step("it asks for the passcode when it is opened again, and counts", async () => {
    await phone.reload();
    await at(phone, "lock-passcode").fill("000001");
    await at(phone, "lock-unlock").click();
    assert.match(await at(phone, "lock-error").innerText(), /9/);
    await accessible(phone, "the lock screen");
    await picture(phone, "phone-locked");
    await at(phone, "lock-passcode").fill(PASSCODE);
    await at(phone, "lock-unlock").click();
    await at(phone, "nav-talk").waitFor();
  });
  await step("a lost phone is stopped in two clicks", async () => {
    await go(desk, "devices");
    await at(desk, "devices-search").fill("佐藤 太郎");
    await at(desk, "device-suspend").first().click();
    await at(desk, "act-ok").click();
    const clicked = Date.now();
    await at(phone, "stopped-page").waitFor();
    const took = Date.now() - clicked;
    console.log(`    ${took} ms from the second click to the stopped phone`);
    assert.ok(took <= STOPPED_WITHIN, `${took} ms from the second click to the stopped phone`);
    await accessible(phone, "a stopped phone");
    await picture(phone, "phone-stopped");
    const kept = await phone.evaluate(async () => {
      const database = await new Promise((resolve, reject) => {
        const opening = indexedDB.open("noroshi");
        opening.onsuccess = () => resolve(opening.result);
        opening.onerror = () => reject(opening.error);
      });
      const counts = [...database.objectStoreNames].map(
        (name) =>
          new Promise((resolve) => {
            const counting = database.transaction(name).objectStore(name).count();
            counting.onsuccess = () => resolve(counting.result);
          }),
      );
      return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
    });
    assert.equal(kept, 0, "the stopped phone keeps something");
  });
  await step("a stopped phone says so when it is opened again", async () => {
    await phone.reload();
    await at(phone, "stopped-page").waitFor();
    await at(phone, "stopped-done").click();
    await at(phone, "login-form").waitFor();
  });
  await step("it stands in the list of what is stopped, and is let in again", async () => {
    await go(desk, "suspensions");
    const row = at(desk, "suspensions-row").filter({ hasText: "佐藤 太郎" }).first();
    await row.getByTestId("suspension-lift").click();
    await at(desk, "act-ok").click();
    await row.waitFor({ state: "detached" });
  });
  await step("it lost its signing key when it was stopped, and says so", async () => {
    await fillLogin(phone, person.login, SECOND_PASSWORD);
    await at(phone, "nav-settings").click();
    await phone.locator('[data-testid="settings-signing"][data-signing="lost"]').waitFor();
    await accessible(phone, "a device without its key");
    await picture(phone, "phone-key-lost");
  });
  await step("the administration fits a phone", async () => {
    await desk.setViewportSize(PHONE);
    for (const page of ["people", "devices", "offices", "usage"]) {
      await go(desk, page);
      await accessible(desk, `${page} on a phone`);
      await picture(desk, `phone-${page}`);
    }
    await desk.setViewportSize(DESK);
  });
  await step("the key is locked by hand", async () => {
    await go(desk, "people");
    await at(desk, "key-lock").click();
    await desk.locator('[data-testid="key-state"][data-unlocked="false"]').waitFor();
  });
  console.log("administration: all steps passed");
} catch (error) {
  await picture(desk, "failed-desk").catch(() => {});
  if (phone) await picture(phone, "failed-phone").catch(() => {});
  console.error(problems.join("\n"));
  console.error(error);
  process.exitCode = 1;
} finally {
  await browser.close();
}
