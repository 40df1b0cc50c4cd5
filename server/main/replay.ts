import { createReadStream } from "node:fs";
import path from "node:path";
import { loadConfig } from "#server/config/config.ts";
import { ConfigError } from "#server/config/config-error.ts";
import { driverEnvironment, readGatewayEnvironment } from "#server/config/env.ts";
import { secretsOf } from "#server/config/secrets.ts";
import { findConfinement } from "#server/confine/confinement.ts";
import { FramesFolder } from "#server/player/frames-folder.ts";
import { lowerBounds } from "#server/player/lower-bounds.ts";
import { OutputAllowance } from "#server/player/output-allowance.ts";
import { EncodeError } from "#server/encode/errors.ts";
import { PlayerError } from "#server/player/player-error.ts";
import { type Played, type PlayedPicture, Player } from "#server/player/player.ts";
import { VideoFile } from "#server/player/video-file.ts";
import { RecordingError, RecordingReader } from "#server/recording/recording-reader.ts";
import { confinementWithGpu } from "#server/session/gpu-confinement.ts";
import { probeGpu } from "#server/session/gpu-probe.ts";
import { WorkerError } from "#server/session/gpu-worker.ts";
import { printable } from "#shared/base/printable.ts";

/** Of a sentence that is a stranger's. Bounds how far it pushes away what was said before. */
const MAX_QUOTED_CHARACTERS = 500;

export type ReplayRequest = {
  readonly file: string;
  readonly adapter: "auto" | "hardware" | "software";
  /** Each picture as a PNG file, in this folder. */
  readonly frames?: string | undefined;
  /** The pictures as an MP4 file. */
  readonly video?: string | undefined;
  /** Whether the hashes are those that were recorded; else the exit code is 1. */
  readonly verify: boolean;
  /** Plays also where nothing confines the worker, with this user's files and network. */
  readonly unconfined: boolean;
  /** "default": within the default bounds, also where the file names more. "recorded": within those that it names. */
  readonly bounds: "default" | "recorded";
  /** MiB of the disk that the pictures may take. */
  readonly outputMb?: number | undefined;
};

/** `heliograph replay`: plays a recording on this machine, until a signal ends it. Resolves with the exit code. */
export async function replay(request: ReplayRequest): Promise<number> {
  const stop = new AbortController();
  // Once: a second signal does not wait for what was played to be written.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  try {
    const recording = await RecordingReader.open(chunksOf(request.file));
    const { header } = recording;
    const { session, connection, startedAt, wire, adapter } = header;
    say(
      `${request.file}: program ${connection} of session ${session}, recorded ${startedAt} on ${quoted(adapter.name)}, wire ${wire.major}.${wire.minor}.`,
    );
    await using player = await startPlayer(request);
    if (request.verify && player.adapter !== adapter.name) {
      return fail(
        `It was recorded on ${quoted(adapter.name)}, and this is ${player.adapter}: hashes are the same on the same adapter only; leave --verify out, or choose another --adapter.`,
      );
    }
    const began = performance.now();
    const played = await playTo(player, recording, request, stop.signal);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    say(
      `Played ${played.pictures} pictures and ${played.mapped} read buffers on ${player.adapter} in ${seconds} s.`,
    );
    if (played.pictures === 0 && (request.frames ?? request.video) !== undefined) {
      say("Its program presented no picture: none is written.");
    }
    tellEnd(played);
    if (departs(played)) {
      return fail("Its program did not end so: it is played to there and no further.");
    }
    return request.verify ? verdict(played) : 0;
  } catch (error) {
    if (error instanceof RecordingError || error instanceof PlayerError) {
      return fail(`${request.file}: ${error.message}`);
    }
    const toBeTold =
      error instanceof WorkerError ||
      error instanceof EncodeError ||
      error instanceof ConfigError ||
      isFileError(error);
    if (!toBeTold) throw error;
    return fail(error.message);
  }
}

/** Throws RecordingError where the file can't be read, or no further: a folder opens as a file does. */
async function* chunksOf(file: string): AsyncGenerator<Uint8Array> {
  const stream: AsyncIterable<Buffer> = createReadStream(file);
  try {
    yield* stream;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RecordingError(`The file can't be read: ${reason}.`, { cause });
  }
}

async function startPlayer({ adapter, file, unconfined }: ReplayRequest): Promise<Player> {
  // Nobody listens here, so that what the gateway is told on its command line does not matter.
  const config = await loadConfig(readGatewayEnvironment(), { insecureListen: true });
  const { cacheFolder, runtimeFolder, submitDeadline } = config;
  const { gpu, attempts } = await probeGpu({ wanted: adapter, cacheFolder });
  if (gpu === undefined) throw new PlayerError(`No GPU works here. ${attempts.join(" ")}`);
  const mayBeUnconfined = unconfined && config.confinement !== "require";
  const wanted = mayBeUnconfined ? "auto" : "require";
  const found = await findConfinement(wanted, driverEnvironment()["PATH"] ?? "");
  const confinement = gpu.isSoftware ? found : await confinementWithGpu(found, wanted, gpu);
  const { kind, forbidsWorkers, sentence, nextStep } = confinement;
  if (forbidsWorkers) {
    const way =
      config.confinement === "require"
        ? `The config of this host requires it${unconfined ? ", whatever --unconfined says" : ""}.`
        : "Or pass --unconfined, which plays it with this user's files and network, if you trust it.";
    throw new PlayerError(`${sentence} ${nextStep ?? ""} ${way}`);
  }
  if (kind === "unconfined") {
    say("The recording is played unconfined, with this user's files and network.");
  }
  return Player.start({
    gpu,
    confinement,
    runtimeFolder,
    secrets: [...secretsOf(config), path.resolve(file)],
    ...(submitDeadline === undefined ? {} : { submitDeadlineMs: submitDeadline }),
  });
}

async function playTo(
  player: Player,
  recording: RecordingReader,
  { frames, video, bounds, outputMb }: ReplayRequest,
  signal: AbortSignal,
): Promise<Played> {
  const { lowered } = lowerBounds(recording.header.bounds);
  if (bounds === "default" && lowered.length > 0) {
    say(
      `The session had more than the default bounds (${lowered.join(", ")}): it is played within the defaults, and may differ; --bounds recorded plays it within its own.`,
    );
  }
  const allowance = new OutputAllowance(outputMb);
  const folder = frames === undefined ? undefined : await FramesFolder.make(frames, allowance);
  await using file = video === undefined ? undefined : new VideoFile(video, allowance);
  const picture = async (each: PlayedPicture): Promise<void> => {
    await folder?.add(each);
    await file?.add(each);
  };
  const played = await player.play(recording, {
    signal,
    trustsBounds: bounds === "recorded",
    ...(folder === undefined && file === undefined ? {} : { picture }),
  });
  await file?.finish();
  return played;
}

function tellEnd({ isCutOff, offset, end, refusal }: Played): void {
  if (refusal !== undefined) {
    say(`The stream ends with a breach of the protocol: ${quoted(refusal)}`);
  } else if (isCutOff) {
    say(`The recording was cut off after byte ${offset}; all before was played.`);
  } else if (end !== undefined) say(`The recording ends: ${quoted(end.sentence)}`);
}

/** A breach at which the recording does not end as well: another adapter, or bounds, did not give what its program had. */
function departs({ refusal, end }: Played): boolean {
  return refusal !== undefined && (end === undefined || !refusal.startsWith(end.sentence));
}

function verdict({ comparison }: Played): number {
  const { same, different, missingCount, unrecorded, sentences, missing } = comparison;
  if (different + missingCount > 0) {
    for (const sentence of [...sentences, ...missing]) say(sentence);
    return fail(
      `${different} hashes differ, ${missingCount} did not come again; ${same} are the same.`,
    );
  }
  const rest = unrecorded === 0 ? "" : ` ${unrecorded} more were played than have a hash.`;
  if (same === 0) return fail(`The recording has no hash to compare with.${rest}`);
  say(`All ${same} recorded hashes are the same.${rest}`);
  return 0;
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error && "path" in error;
}

/** What the file says, or a worker that it may have taken over: told apart from what this says. */
function quoted(text: string): string {
  return JSON.stringify(printable(text.slice(0, MAX_QUOTED_CHARACTERS)));
}

function say(line: string): void {
  process.stdout.write(`${printable(line)}\n`);
}

/** Says why not; the exit code. */
function fail(sentence: string): number {
  process.stderr.write(`heliograph replay: ${printable(sentence)}\n`);
  return 1;
}
