import { rm } from "node:fs/promises";
import type { Browser, Page } from "puppeteer-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { InputEvent } from "#shared/input/events.ts";
import type { SessionState } from "#shared/signaling/messages.ts";
import { grabFrame, launchBrowser, waitForFrames } from "#test/support/browser.ts";
import { buildViewer, ViewerHost } from "#test/support/viewer-host.ts";

const TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ2bSJ9.c2lnbmF0dXJl";
const INVITATION = "in.vi.ted";
const LIVE: SessionState = {
  state: "live",
  sentence: "The program's picture is live.",
  width: 640,
  height: 360,
  encoder: "libx264",
  adapter: "SwiftShader",
};
const GONE: SessionState = {
  state: "guest-gone",
  sentence: "The guest's program ended. Waiting for the next one.",
};

/** What Chrome itself notes of a gateway that is away, or that went a moment ago. */
const CHROME_NOTES = ["WebSocket connection to", "WebSocket is already in CLOSING or CLOSED state"];

let viewerFolder: string;
let browser: Browser;

beforeAll(async () => {
  [viewerFolder, browser] = await Promise.all([
    buildViewer(),
    launchBrowser({ width: 1000, height: 500 }),
  ]);
});

afterAll(async () => {
  await browser.close();
  await rm(viewerFolder, { recursive: true, force: true });
});

type OpenOptions = {
  readonly address?: (host: ViewerHost) => string;
  readonly state?: SessionState;
  readonly role?: "view" | "control";
  /** Runs in the page before its own code. */
  readonly before?: () => void;
};

/** A host and a page of its own; the page's complaints fail the test. */
async function open(options: OpenOptions = {}): Promise<Opened> {
  const host = await ViewerHost.start({
    viewerFolder,
    token: TOKEN,
    invitation: INVITATION,
    state: options.state ?? LIVE,
    role: options.role ?? "control",
  });
  const page = await browser.newPage();
  const opened = new Opened(host, page);
  if (options.before !== undefined) await page.evaluateOnNewDocument(options.before);
  await page.goto(options.address?.(host) ?? host.link);
  return opened;
}

class Opened implements AsyncDisposable {
  host: ViewerHost;
  readonly page: Page;
  readonly #complaints: string[] = [];

  constructor(host: ViewerHost, page: Page) {
    this.host = host;
    this.page = page;
    page.on("pageerror", (error) => this.#complaints.push(String(error)));
    page.on("console", (message) => {
      if (!CHROME_NOTES.some((note) => message.text().startsWith(note))) {
        this.#complaints.push(message.text());
      }
    });
  }

  async reaches(state: string): Promise<void> {
    await this.page.waitForSelector(`body[data-state="${state}"]`);
  }

  /** Loads the page anew, until it is live again. */
  async reloads(): Promise<void> {
    await this.page.reload();
    await this.reaches("live");
  }

  async text(selector: string): Promise<string> {
    return this.page.$eval(selector, (element) => element.textContent.trim());
  }

  async isVisible(selector: string): Promise<boolean> {
    return this.page.$eval(selector, (element) => element.checkVisibility());
  }

  /** Where the picture stands on the page. */
  async placed(): Promise<readonly number[]> {
    return this.page.$eval("video", (video) => {
      const { x, y, width, height } = video.getBoundingClientRect();
      return [x, y, width, height];
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.close();
    await this.host[Symbol.asyncDispose]();
    if (this.#complaints.length > 0) {
      throw new Error(`The page complains: ${this.#complaints.join("; ")}`);
    }
  }
}

/** A browser as Firefox is before it has its plugin. */
function hideH264(): void {
  RTCRtpReceiver.getCapabilities = () => ({
    codecs: [{ mimeType: "video/VP8", clockRate: 90_000 }],
    headerExtensions: [],
  });
}

/** Makes half a minute short. */
function hurryAbsence(): void {
  const later = window.setTimeout.bind(window);
  Object.assign(window, {
    setTimeout: (then: () => void, wait: number) => later(then, wait === 30_000 ? 50 : wait),
  });
}

/** Runs in the page, in a browser that keeps its tabs in sight. */
function setVisibility(visibilityState: string): void {
  Object.defineProperty(document, "visibilityState", {
    configurable: true,
    value: visibilityState,
  });
  document.dispatchEvent(new Event("visibilitychange"));
}

/** Runs in the page. A black canvas has one. */
function countColours(element: Element): number {
  if (!(element instanceof HTMLCanvasElement)) throw new Error("It is no canvas.");
  const pixels = element.getContext("2d")?.getImageData(0, 0, element.width, element.height);
  return new Set(pixels?.data).size;
}

/** On its way from the middle of the picture to the left. */
const isDrag = (event: InputEvent): boolean =>
  event.type === "pointermove" && event.buttons === 1 && event.x < 0.3 && event.x > 0.2;

const ofType =
  (type: InputEvent["type"]) =>
  (event: InputEvent): boolean =>
    event.type === type;

describe("the page", () => {
  test("shows the session's video, and puts the token into no request", async () => {
    await using opened = await open();
    await opened.reaches("live");
    await waitForFrames(opened.page, 3);
    const frame = await grabFrame(opened.page);
    expect([frame.width, frame.height]).toEqual([640, 360]);
    expect(await opened.isVisible("#notice")).toBe(false);
    expect(opened.page.url()).toBe(opened.host.address);
    expect(await opened.page.title()).toBe("vm – Heliograph");
    const { requests } = opened.host;
    expect(requests).toContainEqual(expect.stringContaining("transport=websocket"));
    for (const request of requests) expect(request).not.toContain(TOKEN);
    expect(opened.host.tokens).toEqual([TOKEN]);
  });

  test("keeps the token for a reload, and has a frame within a second of it", async () => {
    await using opened = await open();
    await opened.reaches("live");
    await opened.page.reload();
    await opened.page.waitForSelector("body[data-first-frame]");
    const milliseconds = await opened.page.$eval("body", (body) => body.dataset["firstFrame"]);
    expect(Number(milliseconds)).toBeLessThan(1_000);
  });

  test("opens an invitation's link as any other, keeps what it gets for it, and says when it was used", async () => {
    const address = (host: ViewerHost) => `${host.address}#token=${INVITATION}`;
    await using opened = await open({ address });
    await opened.reaches("live");
    expect(opened.page.url()).toBe(opened.host.address);
    await opened.page.reload();
    await opened.reaches("live");
    expect(opened.host.tokens).toEqual([INVITATION, TOKEN]);
    await opened.page.goto("about:blank");
    await opened.page.goto(address(opened.host));
    await opened.reaches("refused");
    expect(await opened.text("#notice-sentence")).toBe(
      "The invitation was used already: ask for a new one.",
    );
  });

  test("without a token asks for one, explains what is none, and opens a pasted address", async () => {
    await using opened = await open({ address: (host) => host.address });
    await opened.reaches("no-token");
    expect(await opened.text("#notice-title")).toBe("A token is missing");
    expect(opened.host.tokens).toEqual([]);
    await opened.page.type("#token-field", "what is this");
    await opened.page.keyboard.press("Enter");
    expect(await opened.text("#token-error")).toMatch(/no token in this/);
    await opened.page.$eval("#token-field", (field) => field.setAttribute("value", ""));
    await opened.page.click("#token-field", { count: 3 });
    await opened.page.type("#token-field", opened.host.link);
    await opened.page.keyboard.press("Enter");
    await opened.reaches("live");
  });

  test("says why it was refused, and takes another token", async () => {
    await using opened = await open({ address: (host) => `${host.address}#token=wrong` });
    await opened.reaches("refused");
    expect(await opened.text("#notice-sentence")).toBe("The token is not valid.");
    expect(opened.host.tokens).toEqual(["wrong"]);
    await opened.page.click("#notice-action");
    await opened.reaches("no-token");
    await opened.page.type("#token-field", TOKEN);
    await opened.page.keyboard.press("Enter");
    await opened.reaches("live");
    expect(opened.host.tokens).toEqual(["wrong", TOKEN]);
  });

  test.for([{ at: "door" }, { at: "session" }] as const)(
    "that is turned away at the $at for now says so, and tries again until it is let in",
    async ({ at }) => {
      await using opened = await open();
      await opened.reaches("live");
      const sentence = "Session vm has 32 viewers already, which is the limit.";
      opened.host.noRoom = { at, sentence };
      await opened.page.reload();
      await opened.reaches("busy");
      expect(await opened.text("#notice-sentence")).toBe(`${sentence} Trying again.`);
      const tried = opened.host.tokens.length;
      await expect
        .poll(() => opened.host.tokens.length, { timeout: 10_000 })
        .toBeGreaterThan(tried);
      await opened.reaches("busy");
      opened.host.noRoom = undefined;
      await opened.reaches("live");
    },
  );

  test("tells a browser without H.264 what to use, and does not trouble the gateway", async () => {
    await using opened = await open({ before: hideH264 });
    await opened.reaches("unsupported");
    expect(await opened.text("#notice-sentence")).toMatch(/no H.264 .* Chrome, Edge or Safari/);
    expect(opened.host.tokens).toEqual([]);
  });

  test("shows no picture any more to a viewer that was sent away", async () => {
    await using opened = await open();
    await opened.reaches("live");
    opened.host.refuse("An admin ended this viewer.");
    await opened.reaches("sent-away");
    expect(await opened.text("#notice-sentence")).toBe("An admin ended this viewer.");
    expect(await opened.page.$eval("video", (video) => video.srcObject)).toBeNull();
    expect(await opened.isVisible("#still")).toBe(false);
    await opened.page.click("#notice-action");
    await opened.reaches("live");
  });

  test("follows the session from waiting to live to the program's end, over its last frame", async () => {
    const state: SessionState = { state: "waiting-for-guest", sentence: "Nothing runs yet." };
    await using opened = await open({ state });
    await opened.reaches("waiting-for-guest");
    expect(await opened.text("#notice-sentence")).toMatch(/^Nothing runs yet\. /);
    opened.host.say({ state: "starting", sentence: "The GPU worker starts." });
    await opened.reaches("starting");
    opened.host.say(LIVE);
    await opened.reaches("live");
    await opened.host.stopDrawing();
    opened.host.say(GONE);
    await opened.reaches("guest-gone");
    expect(await opened.text("#notice-sentence")).toContain(GONE.sentence);
    const { data } = await grabFrame(opened.page);
    expect(new Set(data).size).toBeGreaterThan(16);
    opened.host.say(LIVE);
    await opened.reaches("live");
    expect(await opened.isVisible("#notice")).toBe(false);
  });
});

describe("a lost connection", () => {
  test("to the gateway is said over the last frame, and comes back with the gateway", async () => {
    await using opened = await open();
    await opened.reaches("live");
    const { port } = opened.host;
    await opened.host[Symbol.asyncDispose]();
    await opened.reaches("reconnecting");
    expect(await opened.text("#notice-title")).toBe("Connection lost");
    const shown = await opened.page.$eval("body", (body) => body.dataset["firstFrame"]);
    expect(Number(shown)).toBeGreaterThan(0);
    opened.host = await ViewerHost.start({ viewerFolder, token: TOKEN, state: LIVE, port });
    await opened.reaches("live");
    await waitForFrames(opened.page, 2);
    expect(opened.host.tokens).toEqual([TOKEN]);
  });

  test("of video alone gets a new peer connection, and the last frame stays meanwhile", async () => {
    await using opened = await open();
    await opened.reaches("live");
    await waitForFrames(opened.page, 2);
    await opened.page.evaluate(() => {
      const { body } = document;
      new MutationObserver(() => {
        body.dataset["states"] = `${body.dataset["states"] ?? ""} ${body.dataset["state"]}`;
      }).observe(body, { attributeFilter: ["data-state"] });
    });
    opened.host.dropVideo();
    await opened.reaches("interrupted");
    await opened.page.waitForSelector("#still:not([hidden])");
    expect(await opened.page.$eval("#still", countColours)).toBeGreaterThan(16);
    await opened.reaches("live");
    await opened.page.waitForSelector("#still[hidden]");
    await waitForFrames(opened.page, 2);
    expect(opened.host.tokens).toEqual([TOKEN, TOKEN]);
    expect(opened.host.viewers).toBe(1);
    // The gateway answered all the while.
    const states = await opened.page.$eval("body", (body) => body.dataset["states"]);
    expect(states).not.toContain("reconnecting");
  });

  test("to the network is tried again as soon as there is one", async () => {
    await using opened = await open();
    await opened.reaches("live");
    await opened.page.setOfflineMode(true);
    const { port } = opened.host;
    await opened.host[Symbol.asyncDispose]();
    await opened.reaches("reconnecting");
    expect(await opened.text("#notice-title")).toBe("This computer is offline");
    opened.host = await ViewerHost.start({ viewerFolder, token: TOKEN, state: LIVE, port });
    await opened.page.setOfflineMode(false);
    await opened.reaches("live");
  });

  test("is the page's own doing when nobody looks at it, and undone when somebody does", async () => {
    await using opened = await open({ before: hurryAbsence });
    await opened.reaches("live");
    await opened.page.evaluate(setVisibility, "hidden");
    await expect.poll(() => opened.host.viewers).toBe(0);
    await opened.reaches("away");
    expect(await opened.isVisible("#still")).toBe(true);
    await opened.page.evaluate(setVisibility, "visible");
    await opened.reaches("live");
    expect(opened.host.tokens).toEqual([TOKEN, TOKEN]);
  });
});

describe("what the operator does", () => {
  test("tells the guest the room that there is, when it opens and when it changes", async () => {
    await using opened = await open();
    const first = (await opened.host.inputsUntil(ofType("resize"))).at(-1);
    expect(first).toEqual({ type: "resize", width: 1000, height: 500, devicePixelRatio: 1 });
    await opened.page.setViewport({ width: 801, height: 603 });
    const second = (await opened.host.inputsUntil(ofType("resize"))).at(-1);
    expect(second).toEqual({ type: "resize", width: 800, height: 602, devicePixelRatio: 1 });
  });

  test("a drag arrives in fractions of the picture, with what lies beside it left out", async () => {
    await using opened = await open();
    await opened.reaches("live");
    await opened.host.inputsUntil(ofType("resize"));
    const [x, y, width, height] = await opened.placed();
    expect([x, y, width, height]).toEqual([55, 0, 889, 500]);
    const { mouse } = opened.page;
    await mouse.move(10, 250);
    await mouse.down();
    await mouse.up();
    await mouse.move(55 + 889 / 2, 250);
    await mouse.down();
    await mouse.move(55 + 889 / 4, 125);
    await mouse.move(5, 499);
    await mouse.up();
    const events = await opened.host.inputsUntil(ofType("pointerup"));
    const presses = events.filter(({ type }) => type === "pointerdown" || type === "pointerup");
    expect(presses).toMatchObject([
      { type: "pointerdown", button: 0, buttons: 1, pointerType: "mouse" },
      { type: "pointerup", button: 0, buttons: 0, x: 0 },
    ]);
    const [down, up] = presses.filter((event) => "pointerId" in event);
    expect(down?.x).toBeCloseTo(0.5, 2);
    expect(down?.y).toBeCloseTo(0.5, 2);
    expect(up?.y).toBeCloseTo(0.998, 2);
    // Moves travel apart from presses and may come after them.
    const moves = events.some(isDrag) ? events : await opened.host.inputsUntil(isDrag);
    expect(moves.find(isDrag)).toMatchObject({ button: -1, y: expect.closeTo(0.25, 2) });
  });

  test("the wheel, a second button and a finger arrive as what they are", async () => {
    await using opened = await open();
    await opened.reaches("live");
    const { mouse, touchscreen } = opened.page;
    await mouse.move(500, 250);
    await mouse.wheel({ deltaX: 4, deltaY: -120 });
    expect((await opened.host.inputsUntil(ofType("wheel"))).at(-1)).toMatchObject({
      deltaX: 4,
      deltaY: -120,
    });
    await mouse.down({ button: "left" });
    await mouse.down({ button: "right" });
    const chord = await opened.host.inputsUntil(
      (event) => "buttons" in event && event.buttons === 3,
    );
    expect(chord.at(-1)).toMatchObject({ type: "pointermove", button: 2 });
    await mouse.up({ button: "right" });
    await mouse.up({ button: "left" });
    await opened.host.inputsUntil(ofType("pointerup"));
    await touchscreen.tap(500, 250);
    const tap = await opened.host.inputsUntil(ofType("pointerup"));
    expect(tap.find(ofType("pointerdown"))).toMatchObject({ pointerType: "touch", buttons: 1 });
  });

  test("keys go to the guest, even those that would leave the page", async () => {
    await using opened = await open();
    await opened.reaches("live");
    const { keyboard } = opened.page;
    await keyboard.down("Shift");
    await keyboard.press("A");
    await keyboard.up("Shift");
    for (const key of ["Tab", "F5", "Backspace", "ArrowLeft"] as const) await keyboard.press(key);
    const events = await opened.host.inputsUntil(
      (event) => event.type === "keyup" && event.code === "ArrowLeft",
    );
    const keys = events.flatMap((event) =>
      event.type === "keydown" ? [`${event.key} ${event.modifiers}`] : [],
    );
    expect(keys).toEqual(["Shift 1", "A 1", "Tab 0", "F5 0", "Backspace 0", "ArrowLeft 0"]);
    expect(opened.host.viewers).toBe(1);
    expect(opened.host.tokens).toEqual([TOKEN]);
  });

  test("who may only view is told so on a press, sends nothing, and keeps the browser's keys", async () => {
    await using opened = await open({ role: "view" });
    await opened.reaches("live");
    expect(await opened.text("#state-text")).toBe("Live, view only");
    const { keyboard, mouse } = opened.page;
    await mouse.move(500, 250);
    expect(await opened.isVisible("#state-text")).toBe(false);
    await mouse.down();
    await mouse.up();
    expect(await opened.isVisible("#state-text")).toBe(true);
    await opened.page.evaluate(() => {
      addEventListener("keyup", (event) => {
        document.body.dataset["prevented"] = String(event.defaultPrevented);
      });
    });
    await keyboard.press("x");
    await opened.page.waitForSelector('body[data-prevented="false"]');
    // What was sent before would have arrived before the answer to the next message.
    await opened.reloads();
    expect(opened.host.inputs).toEqual([]);
  });

  test("text of an input method arrives as keys, once, while its keys are on; then keys are keys again", async () => {
    await using opened = await open();
    await opened.reaches("live");
    const { page } = opened;
    const toggle = async () => {
      for (const key of ["Control", "Alt", "Shift"] as const) await page.keyboard.down(key);
      await page.keyboard.press("k");
      for (const key of ["Shift", "Alt", "Control"] as const) await page.keyboard.up(key);
    };
    await toggle();
    expect(await page.$eval(":focus", ({ id }) => id)).toBe("text-entry");
    // A click on the picture does not take the keyboard from it.
    await page.mouse.click(500, 250);
    await opened.host.inputsUntil(ofType("pointerup"));
    const client = await page.createCDPSession();
    await client.send("Input.imeSetComposition", {
      text: "にほ",
      selectionStart: 2,
      selectionEnd: 2,
    });
    expect(await opened.isVisible("#text-entry.composing")).toBe(true);
    await client.send("Input.insertText", { text: "日本" });
    await page.keyboard.press("a");
    await page.keyboard.press("Backspace");
    await page.keyboard.down("Control");
    await page.keyboard.press("v"); // A test's browser has no clipboard: what it pastes follows.
    await client.send("Input.insertText", { text: "é7" });
    await page.keyboard.up("Control");
    await toggle();
    await page.keyboard.press("x");
    const events = await opened.host.inputsUntil(
      (event) => event.type === "keyup" && event.code === "KeyX",
    );
    const modifiers = /^(Control|Alt|Shift)/;
    const keys = events.flatMap((event) =>
      event.type === "keydown" && !modifiers.test(event.code) ? [`${event.code} ${event.key}`] : [],
    );
    const pasted = [" é", "Digit7 7"];
    expect(keys).toEqual([" 日", " 本", "KeyA a", "Backspace Backspace", ...pasted, "KeyX x"]);
    // The guest lets go of Control before what is pasted, and of nothing else.
    expect(events.filter(ofType("blur"))).toHaveLength(1);
  });

  test("a tab that closes in the middle of a shortcut asks first", async () => {
    await using opened = await open();
    await opened.reaches("live");
    await opened.page.keyboard.down("Control");
    const asked = new Promise<string>((resolve) => {
      opened.page.once("dialog", (dialog) => {
        resolve(dialog.type());
        void dialog.dismiss();
      });
    });
    await opened.page.close({ runBeforeUnload: true });
    expect(await asked).toBe("beforeunload");
    await opened.page.keyboard.up("Control");
  });

  test("leaving the picture lets go of all keys and buttons there", async () => {
    await using opened = await open();
    await opened.reaches("live");
    await opened.page.keyboard.down("w");
    await opened.host.inputsUntil(ofType("keydown"));
    for (const key of ["Control", "Alt", "Shift", "m"] as const)
      await opened.page.keyboard.down(key);
    expect(await opened.page.$eval(":focus", ({ id }) => id)).toBe("stats-button");
    expect((await opened.host.inputsUntil(ofType("blur"))).at(-1)).toEqual({ type: "blur" });
    for (const key of ["m", "Shift", "Alt", "Control", "w"] as const)
      await opened.page.keyboard.up(key);
    await opened.page.keyboard.press("Escape");
    expect(await opened.page.$eval(":focus", ({ id }) => id)).toBe("stage");
    await opened.page.keyboard.press("x");
    const after = await opened.host.inputsUntil(ofType("keyup"));
    expect(after.map((event) => ("code" in event ? event.code : event.type))).toEqual([
      "KeyX",
      "KeyX",
    ]);
  });
});

describe("the statistics", () => {
  test("open on their keys, which do not reach the guest, and say what there is to say", async () => {
    await using opened = await open();
    await opened.reaches("live");
    const { keyboard } = opened.page;
    expect(await opened.isVisible("#stats")).toBe(false);
    for (const key of ["Control", "Alt", "Shift"] as const) await keyboard.down(key);
    await keyboard.press("s");
    for (const key of ["Shift", "Alt", "Control"] as const) await keyboard.up(key);
    await keyboard.press("z");
    const events = await opened.host.inputsUntil(
      (event) => event.type === "keyup" && event.key === "z",
    );
    const codes = events.flatMap((event) => (event.type === "keydown" ? [event.code] : []));
    expect(codes).toEqual(["ControlLeft", "AltLeft", "ShiftLeft", "KeyZ"]);
    await opened.page.waitForFunction(() =>
      [...document.querySelectorAll("#stats dd")].every(({ textContent }) => textContent !== "–"),
    );
    const rows = Object.fromEntries(
      await opened.page.$$eval("#stats dd", (values) =>
        values.map((value) => [value.dataset["name"] ?? "", value.textContent]),
      ),
    );
    expect(rows).toMatchObject({
      Picture: "640 × 360",
      "Frame rate": expect.stringMatching(/^\d+\.\d fps$/),
      "Bit rate": expect.stringMatching(/bit\/s$/),
      Encoder: "libx264",
      Adapter: "SwiftShader",
      "Round trip": expect.stringMatching(/ ms$/),
      "Jitter buffer": expect.stringMatching(/ ms$/),
    });
    await opened.page.setViewport({ width: 667, height: 375 });
    await opened.page.hover("#toolbar");
    const edges = (selector: string) =>
      opened.page.$eval(selector, (element) => {
        const { top, bottom } = element.getBoundingClientRect();
        return { top, bottom };
      });
    expect((await edges("#stats")).top).toBeGreaterThan((await edges("#toolbar .bar")).bottom);
    expect(await opened.page.$eval("#stats-button", (button) => button.ariaPressed)).toBe("true");
    await opened.page.click("#stats-button");
    expect(await opened.isVisible("#stats")).toBe(false);
  });
});
