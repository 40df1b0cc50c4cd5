import { chmod, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Backoff } from "#client/relay/backoff.ts";
import { relaySocketPath } from "#client/relay/env.ts";
import { RelayError } from "#client/relay/errors.ts";
import { parseGatewayAddress } from "#client/relay/gateway-address.ts";
import { Reporter } from "#client/relay/reporter.ts";
import { listenForPrograms, MAX_PROGRAMS } from "#client/relay/socket-file.ts";
import { tokenSource } from "#client/relay/token.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heliograph-relay-"));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

describe("the gateway's address", () => {
  test.for([
    { text: "http://127.0.0.1:7340", webSocket: "ws://127.0.0.1:7340/guest", exposed: false },
    { text: "http://[::1]:7340/", webSocket: "ws://[::1]:7340/guest", exposed: false },
    { text: "ws://localhost:1", webSocket: "ws://localhost:1/guest", exposed: false },
    { text: "https://gpu-host", webSocket: "wss://gpu-host/guest", exposed: false },
    { text: "wss://gpu-host:8/vm/", webSocket: "wss://gpu-host:8/vm/guest", exposed: false },
    { text: "http://gpu-host:7340", webSocket: "ws://gpu-host:7340/guest", exposed: true },
    { text: "http://127.evil.example", webSocket: "ws://127.evil.example/guest", exposed: true },
  ])("$text leads to $webSocket", ({ text, webSocket, exposed }) => {
    const address = parseGatewayAddress(text);
    expect(address.webSocket.href).toBe(webSocket);
    expect(address.check.href).toBe(webSocket.replace(/^ws/, "http"));
    expect(address.exposed).toBe(exposed);
  });

  test.for([
    "",
    "gpu-host",
    "ftp://gpu-host",
    "http://",
    "http://user@host",
    "http://host/?token=x",
  ])("%j is none, and the message says what one looks like", (text) => {
    expect(() => parseGatewayAddress(text)).toThrow(/is no gateway's address: write one such as/);
  });
});

describe("the token", () => {
  test("comes from the file, as it is now", async () => {
    const file = path.join(folder, "token");
    await writeFile(file, "one\n");
    const source = tokenSource(file, "ignored");
    expect(await source()).toBe("one");
    await writeFile(file, " two ");
    expect(await source()).toBe("two");
  });

  test("comes from the environment where there is no file", async () => {
    expect(await tokenSource(undefined, " three\n")()).toBe("three");
  });

  test("has to come from somewhere", () => {
    expect(() => tokenSource(undefined, " ")).toThrow(/has no token: .*--token-file/);
  });

  test.for(["", "two words"])("a file that holds %j is told", async (text) => {
    const file = path.join(folder, "token");
    await writeFile(file, text);
    await expect(tokenSource(file, undefined)()).rejects.toThrow(/does not hold one token/);
  });

  test("a file that is not there is told", async () => {
    const source = tokenSource(path.join(folder, "none"), undefined);
    await expect(source()).rejects.toThrow(/can't be read .*correct --token-file/);
  });
});

describe("the socket", () => {
  test("is the user's alone, also in a folder that is open to all", async () => {
    await chmod(folder, 0o777);
    const file = path.join(folder, "relay.sock");
    const server = await listenForPrograms(file, (socket) => socket.destroy());
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    server.close();
  });

  test("of a relay that lives is left to it", async () => {
    const file = path.join(folder, "relay.sock");
    const server = await listenForPrograms(file, (socket) => socket.destroy());
    await expect(listenForPrograms(file, () => {})).rejects.toThrow(/Another relay listens at/);
    server.close();
    await once(server, "close");
    (await listenForPrograms(file, () => {})).close();
  });

  test("that a dead relay left is replaced", async () => {
    const file = path.join(folder, "relay.sock");
    await leaveSocket(file);
    expect((await stat(file)).isSocket()).toBe(true);
    (await listenForPrograms(file, () => {})).close();
  });

  test("serves as many programs as the limit, hangs up on one more, and has room once one ends", async () => {
    const file = path.join(folder, "relay.sock");
    const served: Socket[] = [];
    const server = await listenForPrograms(file, (socket) => served.push(socket));
    const dialled: Socket[] = [];
    const dial = async () => {
      const socket = connect(file);
      dialled.push(socket);
      await once(socket, "connect");
      return socket;
    };
    try {
      for (let program = 0; program < MAX_PROGRAMS; program++) await dial();
      const [oneMore] = await Promise.all([dial(), once(server, "drop")]);
      await once(oneMore.resume(), "close");
      expect(served).toHaveLength(MAX_PROGRAMS);
      const ended = once(served[0]!, "close");
      served[0]!.destroy();
      await ended;
      await Promise.all([dial(), once(server, "connection")]);
      expect(served).toHaveLength(MAX_PROGRAMS + 1);
    } finally {
      for (const socket of [...dialled, ...served]) socket.destroy();
      server.close();
    }
  });

  test("with too long a path is told", async () => {
    const file = path.join(folder, "x".repeat(108), "relay.sock");
    await expect(listenForPrograms(file, () => {})).rejects.toThrow(RelayError);
  });

  test("is named by the environment, else lies in the runtime folder", () => {
    expect(relaySocketPath({ HELIOGRAPH_RELAY: "/a/b" })).toBe("/a/b");
    expect(relaySocketPath({ XDG_RUNTIME_DIR: "/run/user/1" })).toBe(
      "/run/user/1/heliograph/relay.sock",
    );
    expect(relaySocketPath({})).toMatch(/\/\.heliograph\/relay\.sock$/);
  });
});

/** Leaves the file of a Unix socket on which nobody listens any more. */
async function leaveSocket(file: string): Promise<void> {
  const aside = `${file}.aside`;
  const server = createServer();
  server.listen(aside);
  await once(server, "listening");
  const { rename } = await import("node:fs/promises");
  await rename(aside, file); // The server removes its file by the name it knows.
  server.close();
  await once(server, "close");
}

test("delays double from a quarter second to ten seconds, and half of each is chance", () => {
  const least = new Backoff(() => 0);
  const most = new Backoff(() => 1);
  const delays = Array.from({ length: 8 }, () => [least.next(), most.next()]);
  expect(delays).toEqual([
    [125, 250],
    [250, 500],
    [500, 1_000],
    [1_000, 2_000],
    [2_000, 4_000],
    [4_000, 8_000],
    [5_000, 10_000],
    [5_000, 10_000],
  ]);
});

test("a problem is told once, and again only after it was well", () => {
  const lines: string[] = [];
  const reporter = new Reporter((line) => lines.push(line));
  reporter.well();
  reporter.problem("Away.");
  reporter.problem("Away.");
  reporter.problem("Refused.");
  reporter.well();
  reporter.well();
  reporter.problem("Refused.");
  expect(lines).toEqual(["Away.", "Refused.", "The gateway answers again.", "Refused."]);
});
