import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MAX_ANSWER_BYTES } from "#server/main/record.ts";

// `heliograph record`, whoever listens in the state folder.

const HELIOGRAPH = fileURLToPath(new URL("../../../bin/heliograph.ts", import.meta.url));

let folder: string;
let socket: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heliograph-record-"));
  socket = path.join(folder, "gateway.sock");
});
afterEach(() => rm(folder, { recursive: true }));

type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

const record = (...options: string[]): Promise<Ended> =>
  new Promise((resolve) => {
    const args = [HELIOGRAPH, "record", "--session=vm 1", `--state-dir=${folder}`, ...options];
    execFile(process.execPath, args, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });

type Asked = Pick<IncomingMessage, "method" | "url" | "headers"> & { readonly body: string };

/** What comes to a listener that answers so. */
async function withListener(
  answer: (response: ServerResponse) => void,
  run: () => Promise<void>,
): Promise<Asked[]> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (text) => (body += String(text)));
    request.on("end", () => {
      asked.push({ method: request.method, url: request.url, headers: request.headers, body });
      answer(response);
    });
  });
  await new Promise<void>((resolve) => void server.listen(socket, resolve));
  try {
    await run();
  } finally {
    server.close();
    server.closeAllConnections();
  }
  return asked;
}

const ON = { on: true, folder: "/r/vm", programs: 3, recorded: 1 };

test("says so where no gateway runs, and makes no folder, key or token", async () => {
  await rm(folder, { recursive: true });
  expect(await record()).toEqual({
    code: 1,
    stdout: "",
    stderr: `heliograph record: No gateway runs that has the state folder ${folder}: start it, or name its --state-dir.\n`,
  });
  await mkdir(folder); // Fails where there is one.
});

describe("asks without a token", () => {
  test.for([
    { options: [], on: true },
    { options: ["--off"], on: false },
    { options: ["--reset"], on: null },
  ])("with $options: on is $on", async ({ options, on }) => {
    const asked = await withListener(
      (response) => void response.end(JSON.stringify(ON)),
      async () => {
        expect(await record(...options)).toEqual({
          code: 0,
          stdout:
            "Programs of vm 1 that connect from now on are recorded to /r/vm.\n" +
            "2 run already and are not: start them anew.\n",
          stderr: "",
        });
      },
    );
    const url = "/api/admin/sessions/vm%201/recording";
    expect(asked).toEqual([
      { method: "PUT", url, headers: expect.anything(), body: JSON.stringify({ on }) },
    ]);
    expect(Object.keys(asked[0]!.headers).toSorted()).toEqual([
      "connection",
      "content-length",
      "content-type",
      "host",
    ]);
  });
});

describe("ends with a sentence where what listens answers with", () => {
  const none =
    /^heliograph record: What answers at .*gateway\.sock \(200\) is no gateway of this release: /;
  test.for<{ what: string; answer: (response: ServerResponse) => void; says: RegExp }>([
    { what: "a page", answer: (to) => void to.end("<!doctype html>"), says: none },
    { what: "nothing", answer: (to) => void to.end(), says: none },
    { what: "another JSON", answer: (to) => void to.end('{"on":1}'), says: none },
    {
      what: "a refusal",
      answer: (to) => {
        const refusal = { type: "about:blank", title: "x", status: 400, detail: "a\u001B[2J\nb" };
        to.statusCode = 400;
        to.end(JSON.stringify(refusal));
      },
      says: /^heliograph record: a \[2J b\n$/,
    },
    {
      what: "a broken connection",
      answer: (to) => void to.destroy(),
      says: /can't be asked at .*hang up/,
    },
    {
      what: "as much as may be, of spaces",
      answer: (to) => void to.end(" ".repeat(MAX_ANSWER_BYTES)),
      says: none,
    },
    {
      what: "one byte more",
      answer: (to) => void to.end(" ".repeat(MAX_ANSWER_BYTES + 1)),
      says: /can't be asked at .*\(it answers with over 65536 bytes\)/,
    },
  ])("$what", async ({ answer, says }) => {
    await withListener(answer, async () => {
      const { code, stdout, stderr } = await record();
      expect(code).toBe(1);
      expect(stdout).toBe("");
      expect(stderr).toMatch(says);
    });
  });
});
