// A person at 本庁 and one at 北支所: talk, cut the line, go on talking, restore it, see the same conversation.
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
const LIMIT = 15_000;

const hq = demo.offices.find((office) => office.hq);
const north = demo.offices.find((office) => office.office === "北支所");
const administrator = (office) =>
  office.users.find((user) => user.roles.includes("system_admin") || user.roles.includes("office_admin"));

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

/** A window of its own, which fails the journey on a page error or a request to anybody but its node. */
async function open(office, viewport = { width: 1280, height: 800 }) {
  const context = await browser.newContext({ locale: "ja-JP", timezoneId: "Asia/Tokyo", viewport });
  const page = await context.newPage();
  page.setDefaultTimeout(LIMIT);
  page.on("pageerror", (error) => fail(`page error at ${office.office}: ${error}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(office.url) && !request.url().startsWith("blob:")) {
      fail(`${office.office} asks a foreign place: ${request.url()}`);
    }
  });
  await page.goto(office.url);
  return page;
}

const problems = [];
function fail(sentence) {
  problems.push(sentence);
}

const at = (page, id) => page.getByTestId(id);

async function logIn(page, user) {
  await at(page, "login-name").fill(user.login);
  await at(page, "login-password").fill(user.password);
  await at(page, "login-submit").click();
  await at(page, "room-list").waitFor();
}

async function openRoom(page, name) {
  const item = at(page, "room-item").filter({ hasText: name }).first();
  await item.click();
  await at(page, "composer-input").waitFor();
}

async function say(page, text) {
  await at(page, "composer-input").fill(text);
  await at(page, "composer-send").click();
  await message(page, text).waitFor();
}

const message = (page, text) => at(page, "message").filter({ hasText: text }).first();

/** Waits until the message's own state is one of these. */
async function reaches(page, text, states) {
  const selector = states.map((state) => `[data-state="${state}"]`).join(",");
  await message(page, text).and(page.locator(selector)).waitFor();
}

async function picture(page, name) {
  if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`) });
}

/** WCAG 2.2 AA by axe; lists what is violated and where. */
async function accessible(page, where) {
  await page.addScriptTag({ content: axe }).catch(() => page.evaluate(axe));
  const violations = await page.evaluate(async () => {
    const result = await window.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"],
    });
    return result.violations.map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.target).join(" ")}`);
  });
  assert.deepEqual(violations, [], `accessibility of ${where}`);
}

async function step(name, work) {
  const start = Date.now();
  await work();
  assert.deepEqual(problems, [], name);
  console.log(`ok  ${name} (${Date.now() - start} ms)`);
}

const home = await open(hq);
const branch = await open(north);
const stamp = Date.now().toString(36);
const text = (what) => `${what} ${stamp}`;

try {
  await step("a wrong password is refused in words", async () => {
    await at(home, "login-name").fill(administrator(hq).login);
    await at(home, "login-password").fill("ちがうパスワード");
    await at(home, "login-submit").click();
    await at(home, "login-error").waitFor();
    await accessible(home, "log-in");
    await picture(home, "login");
  });
  await step("people log in at two offices", async () => {
    await logIn(home, administrator(hq));
    await logIn(branch, administrator(north));
    await accessible(home, "room list");
  });
  await step("a post crosses the line and its state is told honestly", async () => {
    await openRoom(home, "災害対策本部");
    await openRoom(branch, "災害対策本部");
    await say(home, text("線があるうち"));
    await message(branch, text("線があるうち")).waitFor();
    await reaches(home, text("線があるうち"), ["arrived", "read"]);
    await accessible(home, "a room");
    await picture(home, "room");
  });
  await step("an IME that is composing never sends", async () => {
    const session = await branch.context().newCDPSession(branch);
    await at(branch, "composer-input").focus();
    await session.send("Input.imeSetComposition", { selectionStart: 2, selectionEnd: 2, text: "ひな" });
    const enter = { key: "Enter", code: "Enter", windowsVirtualKeyCode: 229, modifiers: 2 };
    await session.send("Input.dispatchKeyEvent", { type: "keyDown", ...enter });
    await session.send("Input.insertText", { text: "避難" });
    await session.send("Input.dispatchKeyEvent", { type: "keyUp", ...enter });
    assert.equal(await at(branch, "composer-input").inputValue(), "避難");
    await at(branch, "composer-input").fill("");
  });
  await step("the line is cut on the page of offices", async () => {
    await at(home, "nav-peers").click();
    await at(home, "peers-page").waitFor();
    await accessible(home, "offices and links");
    await at(home, "cut-all").click();
    await at(home, "confirm-ok").click();
    await home.locator('[data-testid="peer-row"][data-state="cut"]').first().waitFor();
    await picture(home, "peers-cut");
    await branch.locator('[data-testid="link-state"][data-reachable="false"]').waitFor();
  });
  await step("both sides go on talking alone", async () => {
    await at(home, "nav-talk").click();
    await openRoom(home, "災害対策本部");
    for (const number of [1, 2, 3]) {
      await say(home, text(`本庁から ${number}`));
      await say(branch, text(`北支所から ${number}`));
    }
    await reaches(branch, text("北支所から 3"), ["stored", "arrived"]);
    assert.equal(await message(home, text("北支所から 1")).count(), 0);
    assert.equal(await message(branch, text("本庁から 1")).count(), 0);
    await picture(branch, "room-cut");
  });
  await step("what waits in the browser survives a reload", async () => {
    await branch.context().setOffline(true);
    await say(branch, text("ノードにも届かない投稿"));
    await reaches(branch, text("ノードにも届かない投稿"), ["waiting"]);
    await branch.context().setOffline(false);
    await branch.reload();
    await openRoom(branch, "災害対策本部");
    await reaches(branch, text("ノードにも届かない投稿"), ["stored", "arrived", "read"]);
  });
  await step("the line returns and both conversations are equal within three seconds", async () => {
    await at(home, "nav-peers").click();
    await at(home, "restore-all").click();
    const restored = Date.now();
    await home.locator('[data-testid="peer-row"][data-state="connected"]').first().waitFor();
    await at(home, "nav-talk").click();
    await openRoom(home, "災害対策本部");
    await message(home, text("北支所から 3")).waitFor();
    await message(home, text("ノードにも届かない投稿")).waitFor();
    await message(branch, text("本庁から 3")).waitFor();
    const took = Date.now() - restored;
    console.log(`    ${took} ms from the click to both conversations`);
    assert.ok(took <= 3000, `${took} ms from the click to both conversations`);
    const timeline = async (page) => {
      const texts = await at(page, "message-text").allInnerTexts();
      return texts.filter((line) => line.includes(stamp));
    };
    assert.deepEqual(await timeline(home), await timeline(branch));
    assert.equal((await timeline(home)).length, 8);
    await branch.locator('[data-testid="link-state"][data-reachable="true"]').waitFor();
  });
  await step("reply, stamp, edit, withdraw", async () => {
    const mine = message(home, text("本庁から 1"));
    await mine.hover();
    await mine.getByTestId("reaction-button").click();
    await at(home, "stamp-item").first().click();
    await message(branch, text("本庁から 1")).getByTestId("reaction").first().waitFor();
    await mine.hover();
    await mine.getByTestId("message-menu-button").click();
    await at(home, "action-edit").click();
    await at(home, "composer-input").fill(text("直した投稿"));
    await at(home, "composer-send").click();
    await message(branch, text("直した投稿")).waitFor();
    const wrong = message(branch, text("北支所から 2"));
    await wrong.hover();
    await wrong.getByTestId("message-menu-button").click();
    await at(branch, "action-redact").click();
    await at(branch, "confirm-ok").click();
    await at(branch, "tombstone").first().waitFor();
    await at(home, "tombstone").first().waitFor();
  });
  await step("who has read it is listed", async () => {
    const mine = message(home, text("本庁から 3"));
    await reaches(home, text("本庁から 3"), ["read"]);
    await mine.getByTestId("message-state").click();
    await at(home, "receipts-read").waitFor();
    await picture(home, "receipts");
    await at(home, "panel-close").click();
  });
  await step("a phone of 360 px shows list and room without sideways scrolling", async () => {
    const phone = await open(north, { width: 360, height: 740 });
    await logIn(phone, north.users.find((user) => !user.roles.some((role) => role.endsWith("admin"))));
    await picture(phone, "phone-list");
    await at(phone, "room-item").first().click();
    await at(phone, "composer-input").waitFor();
    await picture(phone, "phone-room");
    const overflow = await phone.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(overflow <= 0, `${overflow} px too wide`);
    await accessible(phone, "a room on a phone");
    await phone.context().close();
  });
  await step("English at a click", async () => {
    await at(home, "nav-settings").click();
    await at(home, "settings-page").waitFor();
    await accessible(home, "settings");
    await at(home, "language-en").click();
    await home.getByText("Settings").first().waitFor();
    await picture(home, "settings-en");
  });
  console.log("journey: all steps passed");
} catch (error) {
  await picture(home, "failed-home").catch(() => {});
  await picture(branch, "failed-branch").catch(() => {});
  console.error(problems.join("\n"));
  console.error(error);
  process.exitCode = 1;
} finally {
  await browser.close();
}
