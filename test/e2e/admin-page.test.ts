/// <reference lib="dom" />
import path from "node:path";
import type { Browser, Page } from "puppeteer-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { build } from "vite";
import { launchBrowser } from "#test/support/browser.ts";
import { SCRIPTED_WORKER, TestGateway } from "#test/support/gateway.ts";
import { ScriptedGuest } from "#test/support/scripted-guest.ts";

// The admin's page in a browser, on a gateway with real worker processes.

let browser: Browser;
let host: TestGateway;
let page: Page;
/** What the page complained of: a script that failed, or what its policy forbids. */
let complaints: string[];

beforeAll(async () => {
  const configFile = path.join(import.meta.dirname, "..", "..", "vite.admin.config.ts");
  await build({ configFile, logLevel: "warn" });
  [browser, host] = await Promise.all([
    // Without a language of its own, this browser names one that its own Intl does not know.
    launchBrowser({ width: 1440, height: 900, arguments: ["--lang=en-US", "--accept-lang=en-US"] }),
    TestGateway.start({ workerMain: SCRIPTED_WORKER, yaml: "profiles: { small: {} }" }),
  ]);
  await host.gateway.ready();
});
afterAll(async () => {
  await host[Symbol.asyncDispose]();
  await browser.close();
});

beforeEach(async () => {
  complaints = [];
  const context = await browser.createBrowserContext();
  page = await context.newPage();
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  return () => context.close();
});

const guest = async (session: string) =>
  ScriptedGuest.connect({ url: host.url, token: await host.guestToken(session) });

async function openPage(): Promise<void> {
  await page.goto(`${host.url}/admin/#token=${await host.adminToken()}`);
  await page.waitForSelector('body[data-state="live"]');
}

/** Waits until the element's text fits. */
async function waitForText(selector: string, pattern: RegExp): Promise<void> {
  await page.waitForFunction(
    (where, source) => new RegExp(source).test(document.querySelector(where)?.textContent ?? ""),
    {},
    selector,
    pattern.source,
  );
}

/** Chooses the session by its button in the table. */
async function choose(session: string): Promise<void> {
  await page.locator(`#rows button ::-p-text(${session})`).click();
  await waitForText("#detail-name", new RegExp(`^${session}$`));
}

const audit = (act: string) =>
  host.log.filter((line) => line["event"] === "admin.acted" && line["act"] === act);

/** WCAG 2.2's contrast ratio of two colours such as "rgb(1, 2, 3)". */
function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

function luminance(colour: string): number {
  const parts = (colour.match(/[\d.]+/g) ?? []).map((text) => Number(text) / 255);
  const [red = 0, green = 0, blue = 0] = parts.map((part) =>
    part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

describe("the admin page", () => {
  test("shows each session with its figures, live, and keeps its policy", async () => {
    await using program = await guest("shown");
    await openPage();
    expect(page.url()).toBe(`${host.url}/admin/`);
    await waitForText("#rows tr", /shown.*Starting/);
    program.tell({
      do: "say",
      message: { type: "surface", surface: 1, size: { width: 640, height: 360 } },
    });
    await waitForText("#rows tr", /shown.*Live.*default/);
    await waitForText("#totals", /^1 session, 1 live, 0 viewers/);
    await choose("shown");
    await waitForText("#facts", /Adapter.*scripted.*Picture.*640 × 360/);
    await page.waitForSelector("#charts canvas");
    expect(complaints).toEqual([]);
  });

  test("is worked by the keyboard alone: a session is chosen, quarantined for a reason, and released", async () => {
    await using program = await guest("keys");
    await openPage();
    await waitForText("#rows", /keys/);
    const focused = () => page.evaluate(() => document.activeElement?.textContent?.trim());
    const tabTo = async (text: string) => {
      for (let presses = 0; presses < 30 && (await focused()) !== text; presses++) {
        await page.keyboard.press("Tab");
      }
      expect(await focused()).toBe(text);
    };
    await tabTo("keys");
    await page.keyboard.press("Enter");
    await waitForText("#detail-name", /^keys$/);
    await tabTo("Quarantine…");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#dialog[open]");
    await page.keyboard.press("Escape");
    await page.waitForSelector("#dialog:not([open])");
    expect(audit("quarantineSession")).toEqual([]);
    await page.keyboard.press("Enter");
    await page.waitForSelector("#dialog[open]");
    await page.keyboard.press("Enter"); // A reason is needed: it stays open.
    await page.waitForSelector("#dialog[open]");
    await page.keyboard.type("It hung the GPU.");
    await page.keyboard.press("Enter");
    await waitForText("#said", /keys is quarantined\./);
    expect(await program.goodbye()).toMatch(/quarantined until its admin lets it back: It hung/);
    await waitForText("#act-quarantine", /Release/);
    await tabTo("Release…");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#dialog[open]");
    await page.keyboard.press("Enter");
    await waitForText("#said", /keys is released\./);
    await using back = await guest("keys");
    expect(back.ws.readyState).toBe(back.ws.OPEN);
    expect(audit("quarantineSession")).toHaveLength(1);
    expect(audit("releaseSession")).toHaveLength(1);
  });

  test("gives a session a share of the GPU by the keyboard, and says why it can't have more", async () => {
    await using first = await guest("first");
    await using second = await guest("second");
    expect([first, second].map(({ ws }) => ws.readyState)).toEqual([first.ws.OPEN, second.ws.OPEN]);
    await openPage();
    await waitForText("#rows", /second/);
    const names = () => page.$$eval("#rows th", (heads) => heads.map((head) => head.textContent));
    const ascending = await names();
    await page.click('#heads [aria-sort="ascending"] button');
    await page.waitForSelector('#heads [aria-sort="descending"]');
    expect(await names()).toEqual(ascending.toReversed());
    const give = async (session: string, percent: string) => {
      await choose(session);
      await page.focus("#share-policy");
      await page.keyboard.type("fixed");
      await page.keyboard.press("Tab");
      expect(await page.evaluate(() => document.activeElement?.id)).toBe("share-amount");
      await page.$eval("#share-amount", (field) => {
        if (field instanceof HTMLInputElement) field.select();
      });
      await page.keyboard.type(percent);
      await page.keyboard.press("Enter");
    };
    await give("first", "60");
    await waitForText("#said", /first now has fixed, 60 %\./);
    await waitForText("#facts", /Share of the GPUfixed, 60 % \(assigned\)/);
    await give("second", "41");
    await waitForText("#said", /first has 60 %.*give it 40 % at most/);
    await waitForText("#facts", /Share of the GPUequal, weight 1Target/);
    await give("second", "101");
    await page.waitForSelector("#share-amount:invalid");
    await choose("first");
    await page.select("#share-policy", "");
    expect(await page.$eval("#share-amount", (field) => field.hasAttribute("hidden"))).toBe(true);
    await page.focus('#share-form button[type="submit"]');
    await page.keyboard.press("Enter");
    await waitForText("#said", /first now has the share of its profile\./);
    await waitForText("#facts", /Share of the GPUequal, weight 1Target/);
    expect(audit("assignShare").map((line) => line["status"])).toEqual([200, 409, 200]);
    expect(complaints).toEqual([expect.stringContaining("409")]); // The browser tells of each refusal.
  });

  test("pauses, resumes, assigns a profile and evicts", async () => {
    await using program = await guest("steered");
    await openPage();
    await choose("steered");
    await page.click("#act-pause");
    await waitForText("#rows", /steeredPaused/);
    await waitForText("#act-pause", /Resume/);
    await page.click("#act-pause");
    await waitForText("#act-pause", /Pause/);
    await page.select("#profile-select", "small");
    await page.click('#profile-form button[type="submit"]');
    await waitForText("#rows", /steered.*small \(assigned\)/);
    await page.click("#act-evict");
    await page.waitForSelector("#dialog[open]");
    await page.type("#dialog-field", "Too loud.");
    await page.click("#dialog-do");
    expect(await program.goodbye()).toBe("An admin ended the session's programs: Too loud.");
    await waitForText("#said", /steered was evicted\./);
  });

  test("makes a session, and removes it after it was asked", async () => {
    await openPage();
    await page.click("#keep");
    await page.type("#dialog-field", "no name!");
    await page.click("#dialog-do");
    await page.waitForSelector("#dialog-field:invalid");
    await page.$eval("#dialog-field", (field) => {
      if (field instanceof HTMLInputElement) field.value = "";
    });
    await page.type("#dialog-field", "made-here");
    await page.click("#dialog-do");
    await choose("made-here");
    // Enter held too long, and Enter pressed again without a look, are both no.
    await page.focus("#act-remove");
    await page.keyboard.down("Enter");
    await page.keyboard.down("Enter");
    await page.waitForSelector("#dialog[open]");
    await page.keyboard.up("Enter");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#dialog:not([open])");
    expect(audit("removeSession")).toEqual([]);
    await page.click("#act-remove");
    await page.click("#dialog-do");
    await waitForText("#said", /made-here was removed\./);
    await page.waitForSelector("#detail", { hidden: true });
    expect(await page.$eval("#rows", (rows) => rows.textContent)).not.toContain("made-here");
  });

  test("opens a session's screen in the viewer, in a tab of its own", async () => {
    await using program = await guest("seen");
    await openPage();
    await choose("seen");
    const opened = browser.waitForTarget((target) =>
      [host.url, `${host.url}/`].includes(target.url().split("#")[0] ?? ""),
    );
    await page.click("#act-screen");
    const viewer = await (await opened).asPage();
    await viewer.waitForSelector('body[data-state="starting"]');
    await waitForText("#rows", /seen.*Starting/);
    expect(program.ws.readyState).toBe(program.ws.OPEN);
    expect(audit("viewScreen")).toHaveLength(1);
    expect(await viewer.evaluate(() => window.opener)).toBeNull();
    expect(await viewer.evaluate(() => Object.keys(sessionStorage))).toEqual(["heliograph.token"]);
    await viewer.close();
    await page.evaluate(() => {
      window.open = () => null;
    });
    await page.click("#act-screen");
    await waitForText("#said", /The browser blocked the tab: allow pop-ups/);
    expect(audit("viewScreen")).toHaveLength(1);
  });

  test.for([
    { why: "no token", token: () => "", state: "no-token", says: /A token is missing/ },
    {
      why: "an operator's token",
      token: () => host.operatorToken("vm"),
      state: "refused",
      says: /role is "control" in session vm/,
    },
  ])("shows nothing with $why, and takes one that is pasted", async ({ token, state, says }) => {
    await page.goto(`${host.url}/admin/#token=${await token()}`);
    await page.waitForSelector(`body[data-state="${state}"]`);
    await waitForText("#door", says);
    expect(await page.$eval("#desk", (desk) => desk.hasAttribute("hidden"))).toBe(true);
    await page.type("#token-field", await host.adminToken());
    await page.keyboard.press("Enter");
    await page.waitForSelector('body[data-state="live"]');
  });

  test("is found without the last slash, and its token stays with the browser", async () => {
    await page.goto(`${host.url}/admin#token=${await host.adminToken()}`);
    await page.waitForSelector('body[data-state="live"]');
    expect(page.url()).toBe(`${host.url}/admin/`);
    await page.reload();
    await page.waitForSelector('body[data-state="live"]');
  });

  test.for(["light", "dark"])("is readable where people prefer it %s", async (scheme) => {
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await using program = await guest("read");
    await openPage();
    await choose("read");
    expect(program.ws.readyState).toBe(program.ws.OPEN);
    const colours = await page.evaluate(() => ({
      ground: getComputedStyle(document.getElementById("detail")!).backgroundColor,
      texts: [
        "detail-name",
        "detail-sentence",
        "act-evict",
        "act-quarantine",
        "share-policy",
        "facts",
      ].map((id) => getComputedStyle(document.getElementById(id)!).color),
    }));
    const contrasts = colours.texts.map((text) => contrast(text, colours.ground));
    // WCAG 2.2, success criterion 1.4.3.
    expect(Math.min(...contrasts)).toBeGreaterThan(4.5);
  });
});
