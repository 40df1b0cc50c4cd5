import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call, globalClass, installTestPage } from "./page.ts";

// XMLHttpRequest, FileReader and the handlers of both, as programs written for a browser use them.

const folder = await mkdtemp(path.join(tmpdir(), "heliograph-requests-"));
await writeFile(path.join(folder, "data.json"), '{"answer": 42}');
installTestPage(undefined, pathToFileURL(path.join(folder, "app.js")));

let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer((asked, response) => {
    if (asked.url === "/never") return;
    if (asked.url === "/missing") response.statusCode = 404;
    response.setHeader("X-Method", `${asked.method}, ${String(asked.headers["x-mine"])}`);
    asked.pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("It does not listen.");
  url = `http://127.0.0.1:${address.port}`;
});

afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

/** Makes one of the page's objects, and keeps the events that it fires. */
function make(name: string, types: readonly string[]) {
  const target: Record<string, unknown> & object = Reflect.construct(globalClass(name), []);
  const events: string[] = [];
  for (const type of types) {
    call(target, "addEventListener", type, () => events.push(type));
  }
  const ended = new Promise<void>((resolve) => {
    target["onloadend"] = () => resolve();
  });
  return { target, events, ended };
}

const REQUEST_EVENTS = ["loadstart", "progress", "load", "error", "abort", "timeout", "loadend"];

async function request(
  where: string,
  options: Readonly<Record<string, unknown>> = {},
  body?: unknown,
) {
  const made = make("XMLHttpRequest", REQUEST_EVENTS);
  call(made.target, "open", body === undefined ? "GET" : "POST", where);
  Object.assign(made.target, options);
  call(made.target, "setRequestHeader", "X-Mine", "yes");
  call(made.target, "send", body);
  await made.ended;
  return made;
}

describe("XMLHttpRequest", () => {
  test.for([
    { responseType: "", response: '{"answer": 42}' },
    { responseType: "text", response: '{"answer": 42}' },
    { responseType: "json", response: { answer: 42 } },
    { responseType: "arraybuffer", response: new TextEncoder().encode('{"answer": 42}').buffer },
    { responseType: "document", response: null },
  ])("reads a file beside the program as '$responseType'", async ({ responseType, response }) => {
    const { target, events } = await request("data.json", { responseType });
    expect(target).toMatchObject({ readyState: 4, status: 200, response });
    expect(target["response"]).toBe(target["response"]);
    expect(events).toEqual(["loadstart", "progress", "load", "loadend"]);
  });

  test("reads a file as a blob of its type", async () => {
    const { target } = await request("./data.json", { responseType: "blob" });
    const { response } = target;
    expect(response).toBeInstanceOf(Blob);
    expect(response).toMatchObject({ type: "application/json", size: 14 });
  });

  test("sends what it is given, and gives the answer's headers", async () => {
    const { target } = await request(url, {}, "hello");
    expect(target).toMatchObject({ responseText: "hello", responseURL: `${url}/` });
    expect(call(target, "getResponseHeader", "x-method")).toBe("POST, yes");
    expect(call(target, "getAllResponseHeaders")).toContain("x-method: POST, yes\r\n");
  });

  test.for([
    { what: "a file that is not there", where: "nothing.json", options: {}, event: "error" },
    {
      what: "a server that takes too long",
      where: "/never",
      options: { timeout: 20 },
      event: "timeout",
    },
  ])("says that $what gave no answer", async ({ where, options, event }) => {
    const { target, events } = await request(where.startsWith("/") ? url + where : where, options);
    expect(events).toEqual(["loadstart", event, "loadend"]);
    expect(target).toMatchObject({ readyState: 4, status: 0, responseText: "", responseURL: "" });
  });

  test("loads an answer that is no success", async () => {
    const { target, events } = await request(`${url}/missing`);
    expect(target).toMatchObject({ status: 404 });
    expect(events).toContain("load");
  });

  test("is ended by abort, and hears no more", async () => {
    const { target, events } = make("XMLHttpRequest", REQUEST_EVENTS);
    call(target, "open", "GET", `${url}/never`);
    call(target, "send");
    call(target, "abort");
    expect(events).toEqual(["loadstart", "abort", "loadend"]);
    expect(target).toMatchObject({ readyState: 0, status: 0 });
  });

  test("refuses what the program would wait for, in a sentence", () => {
    const { target } = make("XMLHttpRequest", []);
    expect(() => call(target, "open", "GET", "data.json", false)).toThrow(
      /^A request of data\.json that the program waits for is not possible here/,
    );
  });

  test("is sent once, after open", () => {
    const { target } = make("XMLHttpRequest", []);
    expect(() => call(target, "send")).toThrow(/not opened/);
    call(target, "open", "GET", "data.json");
    call(target, "send");
    expect(() => call(target, "send")).toThrow(/sent already/);
  });
});

describe("FileReader", () => {
  const blob = new Blob(["h\u00e9"], { type: "text/plain" });
  test.for([
    { method: "readAsText", result: "h\u00e9" },
    { method: "readAsDataURL", result: "data:text/plain;base64,aMOp" },
    { method: "readAsBinaryString", result: "h\u00c3\u00a9" },
    { method: "readAsArrayBuffer", result: new Uint8Array([0x68, 0xc3, 0xa9]).buffer },
  ])("$method reads a blob of Node's", async ({ method, result }) => {
    const { target, events, ended } = make("FileReader", ["loadstart", "load", "error", "loadend"]);
    call(target, method, blob);
    expect(target).toMatchObject({ readyState: 1, result: null });
    await ended;
    expect(target).toMatchObject({ readyState: 2, result, error: null });
    expect(events).toEqual(["loadstart", "load", "loadend"]);
  });

  test("reads one blob at a time, and blobs only", () => {
    const { target } = make("FileReader", []);
    expect(() => call(target, "readAsText", "text")).toThrow(/reads a Blob or File/);
    call(target, "readAsText", blob);
    expect(() => call(target, "readAsText", blob)).toThrow(/reading already/);
  });

  test("says that a reading was aborted, and gives no result", async () => {
    const { target, events, ended } = make("FileReader", ["load", "abort", "loadend"]);
    call(target, "readAsText", blob);
    call(target, "abort");
    await ended;
    expect(target).toMatchObject({ readyState: 2, result: null });
    expect(events).toEqual(["abort", "loadend"]);
  });
});

describe("a handler that was set as a property", () => {
  test.for([
    { what: "an image", make: () => document.createElement("img"), type: "load" },
    { what: "a canvas", make: () => document.createElement("canvas"), type: "click" },
    {
      what: "a FileReader",
      make: () => Reflect.construct(globalClass("FileReader"), []),
      type: "load",
    },
  ])("of $what is called with it as this, and can be taken back", ({ make: create, type }) => {
    const target: object = create();
    const heard: unknown[] = [];
    function handler(this: unknown): void {
      heard.push(this);
    }
    const name = `on${type}`;
    expect(Reflect.get(target, name)).toBeNull();
    Reflect.set(target, name, handler);
    expect(Reflect.get(target, name)).toBe(handler);
    call(target, "dispatchEvent", new Event(type));
    expect(heard).toEqual([target]);
    Reflect.set(target, name, null);
    call(target, "dispatchEvent", new Event(type));
    expect(heard).toHaveLength(1);
    expect(Reflect.get(target, name)).toBeNull();
  });
});
