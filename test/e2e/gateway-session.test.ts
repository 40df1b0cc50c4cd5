import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import pino from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Profile, resolveConfig } from "#server/config/config.ts";
import type { ToMedia } from "#server/media/messages.ts";
import { Events } from "#server/observe/events.ts";
import { DEFAULT_BOUNDS } from "#server/replay/bounds.ts";
import type { Connection, ProgramLink } from "#server/session/connection.ts";
import { GpuWorker } from "#server/session/gpu-worker.ts";
import { GpuScheduler } from "#server/scheduler/gpu-scheduler.ts";
import { MAX_CONNECTIONS, MAX_VIEWERS } from "#server/session/limits.ts";
import { Quarantine } from "#server/session/quarantine.ts";
import { Session } from "#server/session/session.ts";
import type { ViewerInlet, ViewerOutlet } from "#server/signaling/signaling.ts";
import { decodeInput, encodeInput } from "#shared/input/codec.ts";
import type { InputEvent } from "#shared/input/events.ts";
import type { SessionState } from "#shared/signaling/messages.ts";
import { DownFrame, frame, FRAME_HEADER_BYTES, UpFrame } from "#shared/wire/frames.ts";
import { SCRIPTED_WORKER } from "#test/support/gateway.ts";
import { isAlive } from "#test/support/processes.ts";
import type { Deed } from "#test/support/scripted-guest.ts";
import { Inbox } from "#test/support/inbox.ts";

const PICTURE = { width: 640, height: 360 };

const folders: string[] = [];
let session: Session;
let workers: GpuWorker[];
let toMedia: ToMedia[];
let emptied: number;
let memories: Inbox<readonly [session: string, memory: object]>;

const profile = profileOf(
  "size: { width: 640, height: 360 }, maxSize: { width: 1280, height: 720 }",
);

function profileOf(yaml: string): Profile {
  const environment = {
    configFile: undefined,
    stateFolder: "/",
    cacheFolder: path.join(homedir(), ".cache", "heliograph"),
    runtimeFolder: "/",
  };
  const source = { file: "/test.yaml", text: `profiles: { test: { ${yaml} } }` };
  const found = resolveConfig(environment, {}, source).profiles.get("test");
  if (found === undefined) throw new Error("The profile is not there.");
  return found;
}

const gpu = new GpuScheduler({ deadlineMs: () => 60_000 });

/** A session with real worker processes that do what their programs tell them. */
async function startSession(workerIdleMs = 60_000): Promise<Session> {
  const folder = await mkdtemp(path.join(tmpdir(), "heliograph-session-"));
  folders.push(folder);
  return new Session(profile, {
    name: "vm",
    frameRate: "paced",
    workerIdleMs,
    events: new Events(pino({ level: "silent" })),
    observer: { workerMemory: (name, memory) => memories.put([name, memory]) },
    startWorker: async ({ events, signal }) => {
      const command = { program: process.execPath, args: [SCRIPTED_WORKER], environment: {} };
      const socketPath = path.join(folder, `worker-${workers.length}.sock`);
      const place = { command, socketPath, mediaSocketPath: "/none", mediaNonce: "00".repeat(32) };
      const worker = await GpuWorker.start(place, events, signal);
      workers.push(worker);
      return worker;
    },
    postToMedia: (message) => toMedia.push(message),
    gpu,
    quarantine: Quarantine.open(folder, (error) => {
      throw error;
    }),
    exclusion: () => undefined,
    onEmpty: () => {
      emptied++;
    },
  });
}

beforeEach(async () => {
  workers = [];
  toMedia = [];
  emptied = 0;
  memories = new Inbox();
  session = await startSession();
});

afterEach(async () => {
  await session.close("The test is over.");
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
});

/** A program without a network between it and the session. */
class Program implements ProgramLink {
  readonly frames = new Inbox<{ readonly kind: number; readonly payload: Buffer }>();
  readonly input = new Inbox<InputEvent>();
  readonly ended = new Inbox<string>();
  readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
    connection.attach(this);
    session.welcomed(connection);
  }

  static async connect(): Promise<Program> {
    return new Program(await session.admit());
  }

  tell(deed: Deed): void {
    this.connection.data.write(frame(UpFrame.commands, Buffer.from(JSON.stringify(deed))));
  }

  async toldBounds(): Promise<unknown> {
    const reply = once(this.connection.data, "data");
    this.tell({ do: "tellBounds" });
    const [bytes] = await reply;
    if (!Buffer.isBuffer(bytes)) throw new Error("The reply is no bytes.");
    return JSON.parse(bytes.subarray(FRAME_HEADER_BYTES).toString()).bounds;
  }

  /** The program's canvas gets a picture of this size, or goes away. */
  show(width?: number, height?: number): void {
    const size = width === undefined ? {} : { size: { width, height } };
    this.tell({ do: "say", message: { type: "surface", surface: 1, ...size } });
  }

  leave(): void {
    this.connection.data.destroy();
    session.release(this.connection, "The program ended.", true);
  }

  async resize(): Promise<readonly number[]> {
    const { payload } = await this.frames.next(({ kind }) => kind === DownFrame.resize);
    return [payload.readUInt16LE(0), payload.readUInt16LE(2), payload.readFloatLE(4)];
  }

  async tick(): Promise<void> {
    await this.frames.next(({ kind }) => kind === DownFrame.tick);
  }

  send(kind: number, payload: Uint8Array): void {
    this.frames.put({ kind, payload: Buffer.from(payload) });
  }

  sendInput(event: Uint8Array): void {
    this.input.put(decodeInput(event));
  }

  workerEnded(reason: string): void {
    this.end(reason);
  }

  end(sentence: string): void {
    this.ended.put(sentence);
    this.connection.data.destroy();
    session.release(this.connection, sentence, false);
  }
}

class Viewer implements ViewerOutlet {
  readonly states = new Inbox<SessionState>();
  readonly disconnected = new Inbox<void>();
  readonly refused = new Inbox<string>();
  readonly inlet: ViewerInlet;
  readonly #id: string;

  constructor(id: string, role: "view" | "control" = "control") {
    this.#id = id;
    this.inlet = session.addViewer(id, role, this);
  }

  does(event: InputEvent): void {
    session.onMedia({ type: "input", session: "vm", viewer: this.#id, event: encodeInput(event) });
  }

  resizes(width: number, height: number): void {
    this.does({ type: "resize", width, height, devicePixelRatio: 1 });
  }

  async sees(state: SessionState["state"]): Promise<SessionState> {
    return this.states.next((each) => each.state === state);
  }

  state(state: SessionState): void {
    this.states.put(state);
  }

  disconnect(): void {
    this.disconnected.put();
  }

  description(): void {}
  candidate(): void {}

  refuse(sentence: string): void {
    this.refused.put(sentence);
  }
}

const key = (code: string, type: "keydown" | "keyup" = "keydown"): InputEvent => ({
  type,
  code,
  key: code,
  repeat: false,
  modifiers: 0,
});

describe("viewers are told", () => {
  test("in words what the session is doing, from before the first guest to after the last", async () => {
    const viewer = new Viewer("a");
    await viewer.sees("waiting-for-guest");
    const program = await Program.connect();
    expect(await viewer.sees("starting")).toMatchObject({ sentence: "The GPU worker starts." });
    expect(await viewer.sees("starting")).toMatchObject({
      sentence: "The program is connected and has not drawn yet.",
      adapter: "scripted",
    });
    program.show(640, 360);
    expect(await viewer.sees("live")).toMatchObject({ width: 640, height: 360, encoder: "none" });
    program.show(800, 600);
    expect(await viewer.sees("live")).toMatchObject({ width: 800, height: 600 });
    program.leave();
    expect(await viewer.sees("guest-gone")).toMatchObject({
      sentence: "The program ended or lost its connection; the last frame stays.",
    });
  });

  test("the state at once when they come late", async () => {
    const program = await Program.connect();
    const witness = new Viewer("witness");
    program.show(640, 360);
    await witness.sees("live");
    const viewer = new Viewer("late");
    expect(await viewer.states.next()).toMatchObject({ state: "live", width: 640 });
  });

  test("that a picture is larger than its profile allows, until one is shown", async () => {
    const viewer = new Viewer("a");
    const program = await Program.connect();
    const size = { width: 1281, height: 720 };
    program.tell({ do: "say", message: { type: "pictureRefused", size } });
    const sentence =
      "Program 1 draws a picture of 1281x720 pixels, which is not shown: profile test allows 1280x720 (maxSize).";
    await viewer.states.next((state) => state.state === "starting" && state.sentence === sentence);
    expect(session.report().lastError).toMatchObject({ sentence });
    program.show(640, 360);
    expect(await viewer.sees("live")).toMatchObject({
      sentence: "The program's picture is live.",
    });
  });

  test("that the worker died, and what of; a new program brings the picture back", async () => {
    const viewer = new Viewer("a");
    const program = await Program.connect();
    program.show(640, 360);
    await viewer.sees("live");
    program.tell({ do: "die", signal: "SIGABRT" });
    expect(await viewer.sees("worker-restarting")).toMatchObject({
      sentence:
        "The GPU worker was ended by SIGABRT. The picture comes back when the program connects again.",
    });
    expect(await program.ended.next()).toBe("The GPU worker was ended by SIGABRT.");
    const next = await Program.connect();
    next.show(320, 180);
    expect(await viewer.sees("live")).toMatchObject({ width: 320 });
    expect(workers).toHaveLength(2);
  });

  test("to come back when their media thread is lost, and the worker is replaced", async () => {
    const viewer = new Viewer("a");
    const program = await Program.connect();
    session.mediaLost();
    await viewer.disconnected.next();
    expect(await program.ended.next()).toBe("The GPU worker lost its media thread.");
  });

  test("to come back when the media thread has forgotten them", async () => {
    const viewer = new Viewer("a");
    session.onMedia({ type: "viewerState", viewer: "a", state: "disconnected" });
    expect(viewer.disconnected.waiting).toHaveLength(0);
    session.onMedia({ type: "viewerState", viewer: "a", state: "failed", reason: "No way." });
    await viewer.disconnected.next();
  });
});

describe("the worker", () => {
  test("starts once for programs that come together", async () => {
    await Promise.all([Program.connect(), Program.connect(), Program.connect()]);
    expect(workers).toHaveLength(1);
  });

  test("ends when it was idle, and the session is forgotten with its last viewer", async () => {
    session = await startSession(50);
    const viewer = new Viewer("a");
    const program = await Program.connect();
    const { pid } = workers[0]!;
    program.leave();
    while (await isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(emptied).toBe(0);
    viewer.inlet.left();
    expect(emptied).toBe(1);
    expect(toMedia.at(-1)).toEqual({ type: "removeViewer", viewer: "a" });
  });

  test("is killed when it does not answer to its end", async () => {
    const program = await Program.connect();
    const { pid } = workers[0]!;
    program.tell({ do: "hang" });
    await session.close("Over.");
    expect(await isAlive(pid)).toBe(false);
  });

  test("that can't be started leaves a sentence and no process", async () => {
    const broken = new Session(profile, {
      name: "broken",
      frameRate: "paced",
      workerIdleMs: 0,
      events: new Events(pino({ level: "silent" })),
      observer: {},
      startWorker: ({ events, signal }) => {
        const args = ["--eval", 'console.error("No GPU at all."); process.exitCode = 3;'];
        const command = { program: process.execPath, args, environment: {} };
        const socketPath = path.join(folders[0]!, "broken.sock");
        const place = { command, socketPath, mediaSocketPath: "", mediaNonce: "" };
        return GpuWorker.start(place, events, signal);
      },
      postToMedia: () => {},
      gpu,
      quarantine: Quarantine.open(folders[0]!, () => {}),
      exclusion: () => undefined,
      onEmpty: () => {},
    });
    await expect(broken.admit()).rejects.toThrow(
      "No GPU worker serves session broken: The GPU worker ended by itself with exit code 3. " +
        "It last said: No GPU at all.",
    );
    expect(broken.state.state).toBe("worker-restarting");
    await broken.close("Over.");
  });
});

describe("input", () => {
  test("goes to the newest program while none has a picture, then to the one whose picture is seen", async () => {
    const viewer = new Viewer("a");
    const one = await Program.connect();
    const two = await Program.connect();
    viewer.does(key("KeyA"));
    expect(await two.input.next()).toMatchObject({ code: "KeyA" });
    one.show(640, 360);
    await viewer.sees("live");
    viewer.does(key("KeyB"));
    expect(await one.input.next()).toMatchObject({ code: "KeyB" });
    two.show(320, 180);
    await viewer.states.next(({ width }) => width === 320);
    viewer.does(key("KeyC"));
    expect(await two.input.next()).toMatchObject({ code: "KeyC" });
    two.show();
    await viewer.states.next(({ width }) => width === 640);
    viewer.does(key("KeyD"));
    expect(await one.input.next()).toMatchObject({ code: "KeyD" });
  });

  test("that was held is let go of when its viewer leaves", async () => {
    const viewer = new Viewer("a");
    const program = await Program.connect();
    viewer.does(key("KeyW"));
    viewer.inlet.left();
    expect(await program.input.next(({ type }) => type === "blur")).toEqual({ type: "blur" });
  });

  test("that was held is let go of when its viewer leaves while another decides, who holds on alone", async () => {
    const [one, two] = [new Viewer("one"), new Viewer("two")];
    const program = await Program.connect();
    one.does(key("ShiftLeft"));
    two.does(key("KeyW"));
    two.does(key("KeyW", "keyup"));
    two.inlet.left();
    one.does(key("KeyA"));
    expect(await program.input.next(({ type }) => type === "keyup")).toMatchObject({
      code: "KeyW",
    });
    expect(await program.input.next()).toMatchObject({ code: "KeyA" }); // No blur before it.
    new Viewer("three").does(key("KeyB")); // Decides from here on.
    one.inlet.left();
    expect(await program.input.next()).toMatchObject({ code: "KeyB" });
    expect(await program.input.next()).toEqual({ type: "blur" });
  });
});

describe("the picture's size", () => {
  test("is no larger than the profile allows also where nobody asked for one", async () => {
    session.profile = profileOf("maxSize: { width: 320, height: 180 }");
    expect(await (await Program.connect()).resize()).toEqual([320, 180, 1]);
  });

  test("is the profile's for a new program, and the viewer's once its window rests", async () => {
    const viewer = new Viewer("a");
    const program = await Program.connect();
    expect(await program.resize()).toEqual([640, 360, 1]);
    for (let width = 700; width <= 801; width++) viewer.resizes(width, 601);
    expect(await program.resize()).toEqual([800, 600, 1]);
    expect(program.frames.waiting).toEqual([]);
    const late = await Program.connect();
    expect(await late.resize()).toEqual([800, 600, 1]);
  });

  test("stays inside the profile's bounds", async () => {
    const viewer = new Viewer("a");
    const program = await Program.connect();
    await program.resize();
    viewer.resizes(2560, 1440);
    expect(await program.resize()).toEqual([1280, 720, 0.5]);
  });

  test("comes inside the bounds of the next guest's profile", async () => {
    const viewer = new Viewer("a");
    const program = await Program.connect();
    await program.resize();
    viewer.resizes(1280, 720);
    expect(await program.resize()).toEqual([1280, 720, 1]);
    session.profile = profileOf("maxSize: { width: 640, height: 360 }");
    expect(await program.resize()).toEqual([640, 360, 0.5]);
    const late = await Program.connect();
    expect(await late.resize()).toEqual([640, 360, 0.5]);
  });

  test("is not for those who only watch, and is the last actor's among those in control", async () => {
    const one = new Viewer("one");
    const two = new Viewer("two");
    const watcher = new Viewer("watcher", "view");
    const program = await Program.connect();
    await program.resize();
    one.resizes(700, 500);
    watcher.resizes(1000, 700);
    two.resizes(800, 600);
    expect(await program.resize()).toEqual([800, 600, 1]);
    one.does(key("KeyA"));
    expect(await program.resize()).toEqual([700, 500, 1]);
  });
});

describe("a worker", () => {
  test("is told the profile's bounds before its first program, and again when they change", async () => {
    const program = await Program.connect();
    expect(await program.toldBounds()).toEqual([DEFAULT_BOUNDS]);
    session.profile = profileOf("gpuMemoryMb: 64, errorsPerSecond: 5");
    // The control socket and the data socket are not in order.
    await expect
      .poll(() => program.toldBounds())
      .toEqual([DEFAULT_BOUNDS, { ...DEFAULT_BOUNDS, gpuMemoryMb: 64, errorsPerSecond: 5 }]);
  });

  test("that tells what its session holds is passed on to the observer", async () => {
    const program = await Program.connect();
    const memory = { gpuBytes: 3, hostBytes: 2, objects: 1 };
    program.tell({ do: "say", message: { type: "memory", ...memory } });
    expect(await memories.next()).toEqual(["vm", memory]);
  });
});

describe("an admin", () => {
  const animates = { do: "say", message: { type: "animation", running: true } } as const;

  test("pauses a session: programs stay, ticks stop, and go on when it is resumed", async () => {
    const viewer = new Viewer("a");
    const program = await Program.connect();
    program.show(640, 360);
    await viewer.sees("live");
    session.pause();
    expect(await viewer.sees("paused")).toMatchObject({ width: 640, height: 360 });
    program.tell(animates);
    program.show(320, 180); // Seen, so the worker's word to animate was heard before.
    expect(await viewer.states.next(({ width }) => width === 320)).toMatchObject({
      state: "paused",
    });
    const late = await Program.connect();
    late.tell(animates);
    late.show(200, 100);
    await viewer.states.next(({ width }) => width === 200);
    expect(program.frames.waiting.filter(({ kind }) => kind === DownFrame.tick)).toEqual([]);
    expect(late.frames.waiting.filter(({ kind }) => kind === DownFrame.tick)).toEqual([]);
    session.resume();
    await Promise.all([viewer.sees("live"), program.tick(), late.tick()]);
    expect(session.report()).toMatchObject({ state: "live", paused: false, programs: 2 });
  });

  test("finds a paused session when all have gone, and forgets it once it is resumed", async () => {
    session = await startSession(50);
    const program = await Program.connect();
    session.pause();
    const { pid } = workers[0]!;
    program.leave();
    while (await isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(emptied).toBe(0);
    expect(session.report()).toMatchObject({ paused: true });
    session.resume();
    expect(emptied).toBe(1);
  });

  test("assigns a profile, which wins over that of the next guest until it is taken back", async () => {
    const viewer = new Viewer("a");
    const program = await Program.connect();
    await program.resize();
    viewer.resizes(1280, 720);
    expect(await program.resize()).toEqual([1280, 720, 1]);
    const small = profileOf("maxSize: { width: 640, height: 360 }, maxBitrate: 500000");
    session.assignProfile({ ...small, name: "small" });
    expect(await program.resize()).toEqual([640, 360, 0.5]);
    expect(toMedia.at(-1)).toEqual({ type: "limitBitrate", session: "vm", maxBitrate: 500_000 });
    session.profile = profileOf("maxSize: { width: 800, height: 450 }");
    expect(session.report()).toMatchObject({ profile: "small", profileAssigned: true });
    session.assignProfile(undefined);
    expect(await program.resize()).toEqual([800, 450, 0.625]);
    expect(toMedia.at(-1)).toEqual({ type: "limitBitrate", session: "vm" });
    expect(session.report()).toMatchObject({ profile: "test", profileAssigned: false });
  });

  test("changes the configured profile, whose every part counts at once, and one that is gone stays", async () => {
    const program = await Program.connect();
    expect(await program.resize()).toEqual([640, 360, 1]);
    const change = (yaml: string) =>
      session.profilesChanged(new Map([["test", { ...profileOf(yaml), name: "test" }]]));
    change(
      "maxSize: { width: 320, height: 180 }, size: { width: 320, height: 180 }, maxBitrate: 500000, " +
        "objects: 7, share: { policy: best-effort }, unwatchedFrameRate: 100",
    );
    expect(await program.resize()).toEqual([320, 180, 1]);
    expect(toMedia.at(-1)).toEqual({ type: "limitBitrate", session: "vm", maxBitrate: 500_000 });
    await expect.poll(() => program.toldBounds()).toContainEqual({ ...DEFAULT_BOUNDS, objects: 7 });
    expect(session.report()).toMatchObject({ profile: "test", share: { policy: "best-effort" } });
    session.assignShare({ policy: "fixed-share", percent: 10 });
    change("share: { policy: equal-share, weight: 2 }");
    expect(session.report().share).toEqual({ policy: "fixed-share", percent: 10 });
    session.profilesChanged(new Map());
    session.assignShare(undefined);
    expect(session.report().share).toEqual({ policy: "equal-share", weight: 2 });
  });

  test("evicts: programs and viewers are told, the worker is gone, and a program may come again", async () => {
    const viewer = new Viewer("a");
    const program = await Program.connect();
    await session.evict("An admin ended it.");
    expect(await program.ended.next()).toBe("An admin ended it.");
    expect((await viewer.sees("guest-gone")).sentence).toBe("An admin ended it.");
    expect(await isAlive(workers[0]!.pid)).toBe(false);
    await Program.connect();
    expect(session.report()).toMatchObject({
      programs: 1,
      restarts: 1,
      errors: { worker: 0, program: 0 },
    });
  });

  test("evicts a session whose worker just starts, without waiting for it", async () => {
    const viewer = new Viewer("a");
    const coming = session.admit();
    await viewer.sees("starting");
    const [refusal] = await Promise.allSettled([coming, session.evict("An admin ended it.")]);
    expect(refusal).toMatchObject({
      reason: expect.objectContaining({
        message: "No GPU worker serves session vm: An admin ended it.",
      }),
    });
    await Program.connect();
  });

  test("quarantines: nobody is let in, and the empty session stays, until it is let back", async () => {
    const viewer = new Viewer("a");
    const program = await Program.connect();
    await session.quarantine("It hung the GPU.");
    const sentence = "Session vm is quarantined until its admin lets it back: It hung the GPU.";
    expect(await program.ended.next()).toBe(sentence);
    expect((await viewer.sees("quarantined")).sentence).toBe(sentence);
    await expect(session.admit()).rejects.toThrow(sentence);
    viewer.inlet.left();
    expect(emptied).toBe(0);
    expect(session.report()).toMatchObject({
      state: "quarantined",
      quarantine: "It hung the GPU.",
    });
    session.readmit();
    expect(emptied).toBe(1);
    await Program.connect();
    expect(session.report()).not.toHaveProperty("quarantine");
  });

  test("lets back at once what was just quarantined while its worker started", async () => {
    const viewer = new Viewer("a");
    const coming = session.admit();
    await viewer.sees("starting");
    const quarantined = session.quarantine("It hung the GPU.");
    session.readmit();
    await Promise.allSettled([coming, quarantined]);
    expect(session.report()).not.toMatchObject({ state: "quarantined" });
    await Program.connect();
  });

  test("removes: viewers are refused, and do not come back", async () => {
    const viewer = new Viewer("a");
    const program = await Program.connect();
    await session.remove("An admin removed it.");
    expect(await viewer.refused.next()).toBe("An admin removed it.");
    expect(await program.ended.next()).toBe("An admin removed it.");
    expect(emptied).toBe(1);
    await expect(session.admit()).rejects.toThrow("An admin removed it.");
  });

  test("reads in the report what was counted, and what was lost and why", async () => {
    const program = await Program.connect();
    program.tell(animates);
    await program.tick();
    program.tell({ do: "say", message: { type: "frameFinished", tick: 1 } });
    program.tell({ do: "say", message: { type: "stats", stages: { encode_ms: 2, "rm -rf": 1 } } });
    program.tell({ do: "say", message: { type: "surface", surface: 1, size: PICTURE } });
    await new Viewer("a").sees("live");
    expect(session.report()).toMatchObject({
      frames: 1,
      stages: { encode: 2 },
      adapter: "scripted",
      width: 640,
      height: 360,
      errors: { worker: 0, program: 0, viewer: 0 },
    });
    program.tell({ do: "die", signal: "SIGSEGV" });
    await program.ended.next();
    const { errors, lastError, stages } = session.report();
    expect(errors).toEqual({ worker: 1, program: 1, viewer: 0 });
    expect(lastError?.sentence).toMatch(/^Program 1 was lost: The GPU worker was ended by SIGSEGV/);
    expect(stages).toEqual({});
  });
});

describe("a session has room", () => {
  test(`for ${MAX_CONNECTIONS} programs and not for one more`, async () => {
    const programs = await Promise.all(
      Array.from({ length: MAX_CONNECTIONS }, () => Program.connect()),
    );
    await expect(session.admit()).rejects.toThrow(/has 64 programs already, which is the limit/);
    programs[0]!.leave();
    await Program.connect();
  });

  test(`for ${MAX_VIEWERS} viewers and not for one more`, () => {
    const viewers = Array.from({ length: MAX_VIEWERS }, (_, id) => new Viewer(`viewer-${id}`));
    expect(() => new Viewer("more")).toThrow(/has 32 viewers already, which is the limit/);
    viewers[0]!.inlet.left();
    expect(() => new Viewer("more")).not.toThrow();
  });
});

test("programs are told of the gateway's end, and connections that are opening are refused", async () => {
  const program = await Program.connect();
  const closing = session.close("The gateway is stopping.");
  expect(await program.ended.next()).toBe("The gateway is stopping.");
  await expect(session.admit()).rejects.toThrow(/The gateway is stopping/);
  await closing;
  expect(await isAlive(workers[0]!.pid)).toBe(false);
});
