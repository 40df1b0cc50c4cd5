import { execFile } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findConfinement } from "#server/confine/confinement.ts";
import {
  encodePreamble,
  encodeRecordHeader,
  RECORD_HEADER_BYTES,
  RecordKind,
} from "#server/recording/format.ts";
import { isPrintable } from "#shared/base/printable.ts";
import { probeVideo } from "#test/support/probe-video.ts";
import { readVector, recordingVectors, TEST_HEADER } from "#test/support/recordings.ts";
import { Command, Stack } from "#test/support/stack.ts";

const HELIOGRAPH = fileURLToPath(new URL("../../bin/heliograph.ts", import.meta.url));
const run = promisify(execFile);
const heliograph = (...args: string[]) => run(process.execPath, [HELIOGRAPH, ...args]);
const { kind } = await findConfinement("auto", process.env["PATH"] ?? "");
/** Arguments of a replay on any machine: these recordings are our own. */
const REPLAY = ["--adapter=software", ...(kind === "bubblewrap" ? [] : ["--unconfined"])];
/** Standard error and exit code of a command that fails. */
const failing = (...args: string[]) =>
  heliograph(...args).then(
    () => expect.unreachable("The command succeeds."),
    ({ code, stderr }: { code: number; stderr: string }) => ({ code, stderr }),
  );

let stack: Stack;
let folder: string;

beforeAll(async () => {
  stack = await Stack.start({
    config: {
      gpu: "software",
      unwatchedFrameRate: 10,
      profiles: { default: { size: { width: 160, height: 120 } } },
    },
  });
  folder = path.join(stack.folder, "recordings", "vm");
});
afterAll(() => stack[Symbol.asyncDispose]());

const recordings = async (): Promise<string[]> => {
  const names: string[] = await readdir(folder).catch(() => []);
  return names.toSorted().map((name) => path.join(folder, name));
};

/** Logged so often. */
const logged = (event: string): number =>
  stack.gateway.lines.filter((line) => line.includes(`"event":"${event}"`)).length;

async function picturesIn(file: string): Promise<number> {
  return (await readVector(file)).pictures.length;
}

describe("heliograph record", () => {
  test("is off unless it is asked for, and says what it does and does not", async () => {
    const before = stack.run("plain.js");
    await expect.poll(() => logged("guest.connected"), { timeout: 30_000 }).toBe(1);
    expect(await recordings()).toEqual([]);
    const where = ["--session=vm", `--state-dir=${stack.folder}`];
    const { stdout } = await heliograph("record", ...where);
    expect(stdout).toBe(
      `Programs of vm that connect from now on are recorded to ${folder}.\n` +
        "1 run already and are not: start them anew.\n",
    );
    expect((await failing("record", "--session=no one", ...where.slice(1))).stderr).toMatch(
      /^heliograph record: The session's name is not as \S+ says: write 1 to 64 letters/,
    );
    await before.kill();
    await expect.poll(() => logged("guest.ended")).toBe(1);
  });

  test("keeps what a program sends until its worker is killed, without a token", async () => {
    const program = stack.run("plain.js");
    await expect.poll(() => logged("recording.began"), { timeout: 30_000 }).toBe(1);
    const [file] = await recordings();
    await expect.poll(() => picturesIn(file!), { timeout: 30_000 }).toBeGreaterThan(5);
    const [worker] = await stack.workers();
    process.kill(worker!, "SIGKILL");
    await expect.poll(() => logged("recording.ended")).toBe(1);
    await program.kill();

    const { header, isCutOff } = await readVector(file!);
    expect(isCutOff).toBe(false);
    expect(header).toMatchObject({ session: "vm", adapter: { isSoftware: true } });
    expect((await stat(file!)).mode & 0o777).toBe(0o600);
    const bytes = await readFile(file!, "latin1");
    const token = (await readFile(path.join(stack.folder, "guest.token"), "utf8")).trim();
    // A JSON Web Token's three parts; none of them is there, nor anything that begins as one does.
    for (const part of [...token.split("."), "eyJ", "Bearer"]) expect(bytes).not.toContain(part);
  });

  test("is chosen for a session before its first program, and taken back", async () => {
    const where = ["--session=later", `--state-dir=${stack.folder}`];
    const later = path.join(stack.folder, "recordings", "later");
    for (const [option, says] of [
      [[], `Programs of later that connect from now on are recorded to ${later}.\n`],
      [["--reset"], "Programs of later that connect from now on are not recorded.\n"],
      [[], `Programs of later that connect from now on are recorded to ${later}.\n`],
    ] as const) {
      expect((await heliograph("record", ...where, ...option)).stdout).toBe(says);
    }
    const vm = await stack.addVm("later");
    const program = vm.run("plain.js");
    const count = async () => (await readdir(later).catch(() => [])).length;
    await expect.poll(count, { timeout: 30_000 }).toBe(1);
    await program.kill();
    await vm.relay.kill();
    const acts = stack.gateway.lines.filter((line) => line.includes('"admin.acted"'));
    expect(acts.at(-1)).toContain('"tokenId":"host"');
  });
});

describe("heliograph replay", () => {
  test("plays it twice to the hashes that were recorded before the kill", async () => {
    const [file] = await recordings();
    const count = await picturesIn(file!);
    for (let time = 0; time < 2; time++) {
      const { stdout } = await heliograph("replay", file!, ...REPLAY, "--verify");
      expect(stdout).toContain("The recording ends: ");
      expect(stdout).toContain(`All ${count} recorded hashes are the same.`);
    }
  });

  test.for<{ what: string; from: RegExp; to: string; says: RegExp }>([
    {
      what: "a hash is another",
      from: /"sha256":"[0-9a-f]{8}/,
      to: '"sha256":"00000000',
      says: /^heliograph replay: 1 hashes differ, 0 did not come again; \d+ are the same\.\n$/,
    },
    {
      what: "it was recorded on another adapter",
      from: /SwiftShader/,
      to: "Radeon 9700",
      says: /recorded on "Radeon 9700.*", and this is SwiftShader.*: hashes are the same on the same adapter only/,
    },
  ])("verifies it, and exits with 1 where $what", async ({ from, to, says }) => {
    const [file] = await recordings();
    const changed = path.join(stack.folder, "changed.hgrec");
    const bytes = await readFile(file!, "latin1");
    await writeFile(changed, bytes.replace(from, to), "latin1");
    const { code, stderr } = await failing("replay", changed, ...REPLAY, "--verify");
    expect(code).toBe(1);
    expect(stderr).toMatch(says);
  });

  test("writes each picture as PNG, and all as a video", async () => {
    const [file] = await recordings();
    const frames = path.join(stack.folder, "frames");
    const video = path.join(stack.folder, "video.mp4");
    await heliograph("replay", file!, ...REPLAY, `--frames=${frames}`, `--video=${video}`);
    const names = await readdir(frames);
    expect(names.length).toBeGreaterThanOrEqual(await picturesIn(file!));
    expect(names).toContain("frame-000001.png");
    const png = await readFile(path.join(frames, "frame-000001.png"));
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([160, 120]);
    expect(await probeVideo(video)).toEqual({ width: 160, height: 120, frames: names.length });
  });

  test("what the file says moves no cursor and looks like no line of ours", async () => {
    const forged = "All 12 recorded hashes are the same.";
    const sentence = `a\u001B]0;mine\u0007\u001B]52;c;cm0=\u0007\r\n${forged}\n"`;
    const end = Buffer.from(JSON.stringify({ why: "ended", sentence }));
    const hostile = path.join(stack.folder, "hostile.hgrec");
    const head = encodeRecordHeader(RecordKind.end, 0, end.length);
    await writeFile(hostile, Buffer.concat([encodePreamble(TEST_HEADER), head, end]));
    const { stdout } = await heliograph("replay", hostile, ...REPLAY);
    expect(stdout).toContain(`\nThe recording ends: "a ]0;mine ]52;c;cm0= ${forged} \\""\n`);
    expect(isPrintable(stdout.replaceAll("\n", ""))).toBe(true);
  });

  test.for<{ what: string; file: () => Promise<string> | string; says: RegExp }>([
    { what: "that is not there", file: () => "/nowhere/a.hgrec", says: /ENOENT/ },
    { what: "that is a folder", file: () => stack.folder, says: /can't be read: EISDIR.*\.\n$/ },
    { what: "that is no recording", file: () => HELIOGRAPH, says: /it is none\.\n$/ },
  ])("says so of a file $what", async ({ file, says }) => {
    const { code, stderr } = await failing("replay", await file(), ...REPLAY);
    expect(code).toBe(1);
    expect(stderr).toMatch(says);
  });

  test("leaves what it played until a signal ends it, and nothing of its own", async () => {
    const [vector] = (await recordingVectors()).filter(({ name }) => name.startsWith("plain"));
    const runtime = path.join(stack.folder, "runtime");
    const frames = path.join(runtime, "frames");
    const video = path.join(stack.folder, "ended.mp4");
    const pipe = path.join(stack.folder, "pipe.hgrec"); // Which does not end before the signal comes.
    await mkdir(frames, { recursive: true });
    await run("mkfifo", [pipe]);
    const args = ["replay", pipe, ...REPLAY, `--frames=${frames}`, `--video=${video}`];
    const env = { ...process.env, XDG_RUNTIME_DIR: runtime };
    await using replay = new Command(process.execPath, [HELIOGRAPH, ...args], env);
    const bytes = await readFile(vector!.path);
    const end = bytes.lastIndexOf('{"why"') - RECORD_HEADER_BYTES;
    const writer = createWriteStream(pipe);
    writer.write(bytes.subarray(0, end));
    const { pictures } = await readVector(vector!.path);
    const count = pictures.length;
    await expect.poll(() => readdir(frames), { timeout: 30_000 }).toHaveLength(count);
    process.kill(replay.pid, "SIGINT");
    writer.end();
    expect(await replay.ended).toBe("1");
    expect(replay.lines.at(-1)).toMatch(/ The playback was ended\.$/);
    expect(await readdir(runtime)).toEqual(["frames"]);
    expect(await probeVideo(video)).toMatchObject({ frames: count });
  });

  test("plays what came before the gateway was killed", async () => {
    const before = await recordings();
    const program = stack.run("plain.js");
    await expect.poll(recordings, { timeout: 30_000 }).toHaveLength(before.length + 1);
    const file = (await recordings()).at(-1)!;
    await expect.poll(() => picturesIn(file), { timeout: 30_000 }).toBeGreaterThan(5);
    await stack.restartGateway();
    await program.kill();
    const count = await picturesIn(file);
    const { stdout } = await heliograph("replay", file, ...REPLAY, "--verify");
    expect(stdout).toMatch(/\nThe recording was cut off after byte \d+; all before was played\.\n/);
    expect(stdout).toContain(`\nAll ${count} recorded hashes are the same.`);
  });
});
