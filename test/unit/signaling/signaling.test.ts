import { once } from "node:events";
import { createServer } from "node:http";
import { Server } from "socket.io";
import { io, type Socket } from "socket.io-client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  attachSignaling,
  Crowded,
  MAX_MESSAGES_PER_SECOND,
  MAX_PACKETS_PER_SECOND,
  MAX_SDP_CHARACTERS,
  MAX_SIGNALING_BYTES,
  MAX_TOKEN_CHARACTERS,
  type ViewerInlet,
  type ViewerOutlet,
  type ViewerRole,
} from "#server/signaling/signaling.ts";
import {
  type Candidate,
  type Description,
  type ServerToViewer,
  SIGNALING_PATH,
  TRY_AGAIN,
  VIEWER_NAMESPACE,
  type ViewerToServer,
} from "#shared/signaling/messages.ts";

type ViewerSocket = Socket<ServerToViewer, ViewerToServer>;

const ANSWER: Description = { type: "answer", sdp: "v=0\r\n" };
const CANDIDATE: Candidate = { candidate: "candidate:1", sdpMid: "0", sdpMLineIndex: 0 };

/** A session that keeps what it is told. */
class RecordingSession {
  readonly name = "vm";
  readonly viewers: { id: string; role: ViewerRole; outlet: ViewerOutlet }[] = [];
  readonly said: unknown[] = [];
  full = false;
  #next: (() => void)[] = [];

  addViewer(id: string, role: ViewerRole, outlet: ViewerOutlet): ViewerInlet {
    if (this.full) throw new Error("The session has no room for another viewer.");
    this.viewers.push({ id, role, outlet });
    return {
      description: (description) => this.#add(description),
      candidate: (candidate) => this.#add(candidate),
      left: () => this.#add("left"),
    };
  }

  async until(count: number): Promise<unknown[]> {
    while (this.said.length < count) {
      await new Promise<void>((resolve) => {
        this.#next.push(resolve);
      });
    }
    return this.said;
  }

  #add(said: unknown): void {
    this.said.push(said);
    for (const resolve of this.#next.splice(0)) resolve();
  }
}

let session: RecordingSession;
let server: Server;
let url: string;
const sockets: ViewerSocket[] = [];

beforeEach(async () => {
  session = new RecordingSession();
  const http = createServer();
  server = new Server(http, { path: SIGNALING_PATH, maxHttpBufferSize: MAX_SIGNALING_BYTES });
  attachSignaling(server, {
    async authenticateOperator(token) {
      if (token === "crowded") throw new Crowded("It came too often.");
      if (token !== "good") throw new Error("The token is not valid.");
      return { session, role: "control" };
    },
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const address = http.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  url = `http://127.0.0.1:${address.port}${VIEWER_NAMESPACE}`;
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.disconnect();
  await server.close();
});

function dial(auth: object = { token: "good" }): ViewerSocket {
  const socket: ViewerSocket = io(url, {
    path: SIGNALING_PATH,
    auth,
    transports: ["websocket"],
    reconnection: false,
    forceNew: true,
  });
  sockets.push(socket);
  return socket;
}

async function joined(): Promise<ViewerSocket> {
  const socket = dial();
  await heard(socket, "connect");
  return socket;
}

/** The first argument of an event's next occurrence. */
function heard(
  socket: ViewerSocket,
  event: keyof ServerToViewer | "connect" | "connect_error" | "disconnect",
): Promise<unknown> {
  return new Promise((resolve) => {
    socket.once(event, (...values: readonly unknown[]) => resolve(values[0]));
  });
}

describe("a stranger", () => {
  test.for([
    { packets: MAX_PACKETS_PER_SECOND - 1, ends: false },
    { packets: 3 * MAX_PACKETS_PER_SECOND, ends: true },
  ])("that sends $packets packets at once is cut off: $ends", async ({ packets, ends }) => {
    const { host } = new URL(url);
    const socket = new WebSocket(`ws://${host}${SIGNALING_PATH}/?EIO=4&transport=websocket`);
    const told: string[] = [];
    const closed = new Promise((resolve) => socket.addEventListener("close", () => resolve(true)));
    await new Promise((resolve) => socket.addEventListener("open", resolve));
    const answered = new Promise((resolve) => {
      socket.addEventListener("message", ({ data }) => {
        told.push(String(data));
        if (told.length === packets + 1) resolve(false); // The greeting is one of them.
      });
    });
    // Each asks to join a namespace that there is not, and is answered.
    for (let packet = 0; packet < packets; packet++) socket.send("40/x,");
    expect(await Promise.race([closed, answered])).toBe(ends);
    socket.close();
  });
});

describe("a viewer", () => {
  test("joins by its token, with the role that it has", async () => {
    await joined();
    await joined();
    expect(session.viewers.map(({ role }) => role)).toEqual(["control", "control"]);
    expect(new Set(session.viewers.map(({ id }) => id)).size).toBe(2);
  });

  test("is told first what its token opened", async () => {
    const socket = dial();
    const welcome = await heard(socket, "welcome");
    expect(welcome).toEqual({ session: "vm", role: "control" });
  });

  test("gets what its session says", async () => {
    const socket = await joined();
    const { outlet } = session.viewers[0]!;
    const offer: Description = { type: "offer", sdp: "v=0" };
    const state = { state: "live", sentence: "The picture is live." } as const;
    const all = Promise.all([
      heard(socket, "description"),
      heard(socket, "candidate"),
      heard(socket, "session"),
    ]);
    outlet.description(offer);
    outlet.candidate(CANDIDATE);
    outlet.state(state);
    expect(await all).toEqual([offer, CANDIDATE, state]);
  });

  test("is heard, in order, and its leaving is told once", async () => {
    const socket = await joined();
    socket.emit("description", ANSWER);
    socket.emit("candidate", CANDIDATE);
    socket.emit("candidate", null);
    await session.until(3);
    socket.disconnect();
    expect(await session.until(4)).toEqual([ANSWER, CANDIDATE, null, "left"]);
  });

  test("that is refused hears why, and is disconnected", async () => {
    const socket = await joined();
    const refused = heard(socket, "refused");
    const gone = heard(socket, "disconnect");
    session.viewers[0]!.outlet.refuse("The session has ended.");
    expect(await refused).toBe("The session has ended.");
    await gone;
    expect(await session.until(1)).toEqual(["left"]);
  });

  test("hears when there is no room, and may come back", async () => {
    session.full = true;
    const socket = dial();
    const gone = heard(socket, "disconnect");
    expect(await heard(socket, "busy")).toBe("The session has no room for another viewer.");
    await gone;
    session.full = false;
    const back = heard(socket, "connect");
    socket.connect();
    await back;
    expect(session.viewers).toHaveLength(1);
  });

  test.for([
    { why: "is not taken", token: "bad", data: undefined },
    { why: "can't be let in now", token: "crowded", data: TRY_AGAIN },
  ])("whose token $why is told whether to try again", async ({ token, data }) => {
    const socket = dial({ token });
    const error = await new Promise<object>((resolve) => {
      socket.once("connect_error", resolve);
    });
    expect("data" in error ? error.data : undefined).toEqual(data);
  });
});

describe("a stranger", () => {
  test.for([
    { why: "without a token", auth: {}, sentence: "carries no token" },
    { why: "with a token that is no string", auth: { token: 7 }, sentence: "carries no token" },
    { why: "with a wrong token", auth: { token: "bad" }, sentence: "not valid" },
    {
      why: "with the longest token",
      auth: { token: "x".repeat(MAX_TOKEN_CHARACTERS) },
      sentence: "not valid",
    },
    {
      why: "with a longer token",
      auth: { token: "x".repeat(MAX_TOKEN_CHARACTERS + 1) },
      sentence: "carries no token",
    },
  ])("$why is turned away with a sentence", async ({ auth, sentence }) => {
    const error = await heard(dial(auth), "connect_error");
    expect(String(error)).toContain(sentence);
    expect(session.viewers).toEqual([]);
  });
});

describe("a message", () => {
  const longest = "x".repeat(MAX_SDP_CHARACTERS);

  test("of the largest SDP arrives", async () => {
    const socket = await joined();
    socket.emit("description", { type: "answer", sdp: longest });
    expect(await session.until(1)).toMatchObject([{ sdp: longest }]);
  });

  test.for<{ why: string; event: "description" | "candidate"; message: unknown }>([
    { why: "an offer", event: "description", message: { type: "offer", sdp: "v=0" } },
    { why: "an empty SDP", event: "description", message: { type: "answer", sdp: "" } },
    { why: "a longer SDP", event: "description", message: { type: "answer", sdp: `${longest}x` } },
    { why: "no SDP", event: "description", message: null },
    { why: "a candidate of another shape", event: "candidate", message: { candidate: 1 } },
    {
      why: "a longer candidate",
      event: "candidate",
      message: { ...CANDIDATE, candidate: "x".repeat(1025) },
    },
  ])("that is $why ends the viewer with a sentence", async ({ event, message }) => {
    const socket = await joined();
    const refused = heard(socket, "refused");
    // The client's own types forbid such messages: this one goes out as the protocol writes it.
    socket.io.engine.write(`2${VIEWER_NAMESPACE},${JSON.stringify([event, message])}`);
    expect(String(await refused)).toContain("viewer's");
    expect(await session.until(1)).toEqual(["left"]);
  });

  test("too many in a second ends the viewer with a sentence", async () => {
    const socket = await joined();
    const refused = heard(socket, "refused");
    for (let count = 0; count < MAX_MESSAGES_PER_SECOND; count += 1) socket.emit("candidate", null);
    await session.until(MAX_MESSAGES_PER_SECOND);
    for (let count = 0; count < MAX_MESSAGES_PER_SECOND; count += 1) socket.emit("candidate", null);
    expect(await refused).toContain(`over ${MAX_MESSAGES_PER_SECOND} messages`);
  });
});
