import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DEFAULT_BOUNDS } from "#server/replay/bounds.ts";
import { RecordedGuest } from "#test/support/recorded-guest.ts";
import { TEST_HEADER } from "#test/support/recordings.ts";

// `heliograph replay` of a file that may be anybody's, on a machine where bubblewrap is not found.

const HELIOGRAPH = fileURLToPath(new URL("../../bin/heliograph.ts", import.meta.url));

let folder: string;
let file: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heliograph-replay-"));
  file = path.join(folder, "a.hgrec");
  const bounds = { ...DEFAULT_BOUNDS, gpuMemoryMb: 4096, objects: 1_000_000 };
  await writeFile(file, new RecordedGuest().recording({ ...TEST_HEADER, bounds }));
});
afterAll(() => rm(folder, { recursive: true }));

type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

async function replay(options: readonly string[], config = "", of = file): Promise<Ended> {
  const configFile = path.join(folder, "heliograph.yaml");
  await writeFile(configFile, config);
  const env = {
    ...process.env,
    PATH: path.join(folder, "bin"),
    HELIOGRAPH_CONFIG: configFile,
    HELIOGRAPH_STATE_DIR: folder,
  };
  const args = [HELIOGRAPH, "replay", of, "--adapter=software", ...options];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

const NOT_INSTALLED =
  /: GPU workers do not start, since confinement is required and bubblewrap is not installed\. /;

describe("where nothing confines it", () => {
  test.for<{ what: string; options: string[]; config?: string; says: RegExp }>([
    {
      what: "is not played",
      options: [],
      says: /Or pass --unconfined, which plays it with this user's files and network, if you trust it\.\n$/,
    },
    {
      what: "is not played where the config has confinement off",
      options: [],
      config: "confinement: off",
      says: /Or pass --unconfined/,
    },
    {
      what: "is not played where the config requires confinement, whatever is asked for",
      options: ["--unconfined"],
      config: "confinement: require",
      says: /The config of this host requires it, whatever --unconfined says\.\n$/,
    },
  ])("it $what", async ({ options, config, says }) => {
    const { code, stderr, stdout } = await replay(options, config);
    expect(code).toBe(1);
    expect(stderr).toMatch(NOT_INSTALLED);
    expect(stderr).toMatch(says);
    expect(stdout).not.toContain("Played");
  });

  test("it is played where that is asked for, with a word about it", async () => {
    const { code, stdout, stderr } = await replay(["--unconfined"]);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toContain(
      "\nThe recording is played unconfined, with this user's files and network.\n",
    );
    expect(stdout).toContain("\nPlayed 0 pictures");
  });
});

describe("of bounds above the defaults", () => {
  test.for([
    { what: "says which it does not give", options: [], told: true },
    { what: "gives them where that is asked for", options: ["--bounds=recorded"], told: false },
  ])("it $what", async ({ options, told }) => {
    const { code, stdout } = await replay(["--unconfined", ...options]);
    expect(code).toBe(0);
    expect(
      stdout.includes(
        "The session had more than the default bounds (gpuMemoryMb (4096), objects (1000000)): it is played within the defaults",
      ),
    ).toBe(told);
  });
});

test.for([
  { text: "0", taken: false },
  { text: "1", taken: true },
  { text: "1048576", taken: true },
  { text: "1048577", taken: false },
  { text: "much", taken: false },
])("--output-mb $text is taken: $taken", async ({ text, taken }) => {
  const { code, stderr } = await replay(["--unconfined", `--output-mb=${text}`]);
  expect(code).toBe(taken ? 0 : 1);
  expect(stderr.includes("write a number of MiB from 1 to 1048576.")).toBe(!taken);
});

test.for([
  { name: "a.mp4", taken: true },
  { name: "a.MP4", taken: true },
  { name: "a.avi", taken: false },
  { name: "", taken: false },
])("--video $name is taken: $taken; a program without pictures leaves none", async (video) => {
  const { code, stdout, stderr } = await replay(["--unconfined", `--video=${video.name}`]);
  expect(code).toBe(video.taken ? 0 : 1);
  expect(stderr.includes("write the name of a file that ends in .mp4.")).toBe(!video.taken);
  expect(stdout.includes("Its program presented no picture: none is written.")).toBe(video.taken);
});

/** What the worker says of a command for a device that it did not make. */
const NO_DEVICE = "GPUDevice id (1) names no object.";

test.for([
  { how: "with the same breach", sentence: NO_DEVICE, code: 0 },
  { how: "otherwise", sentence: "Over.", code: 1 },
])("a program whose device another adapter had and that ended $how ends with $code", async (of) => {
  const guest = new RecordedGuest();
  await guest.unansweredDevice({ requiredLimits: { maxTextureDimension2D: 2 ** 30 } });
  const other = path.join(folder, "other.hgrec");
  await writeFile(other, guest.recording(TEST_HEADER, of.sentence));
  const { code, stdout, stderr } = await replay(["--unconfined"], "", other);
  expect(stdout).toContain(`The stream ends with a breach of the protocol: "${NO_DEVICE}`);
  expect(stdout).toMatch(
    /The last request that failed: .*1073741824.* It is in the record at byte/,
  );
  expect(stderr.includes("Its program did not end so")).toBe(of.code === 1);
  expect(code).toBe(of.code);
});
