import { Command, InvalidArgumentError, Option } from "commander";

/** 1 TiB. */
const MAX_OUTPUT_MB = 1024 * 1024;

/** `heliograph record`: has this machine's running gateway record a session's programs. */
export function recordCommand(): Command {
  type Options = { session: string; off?: boolean; reset?: boolean; stateDir?: string };
  return new Command("record")
    .description("Records what a session's programs send from their start on.")
    .requiredOption("--session <name>", "the session, which is one VM")
    .addOption(new Option("--off", "records no further program").conflicts("reset"))
    .option("--reset", "records or not as the session's profile says")
    .option("--state-dir <folder>", "the running gateway's, where its keys and tokens are")
    .action(async ({ session, off, reset, stateDir }: Options) => {
      const { record } = await import("#server/main/record.ts");
      process.exitCode = await record({
        session,
        on: reset === true ? undefined : off !== true,
        stateFolder: stateDir,
      });
    });
}

/** `heliograph replay`: plays a recording, on any machine. */
export function replayCommand(): Command {
  type Options = {
    adapter: "auto" | "hardware" | "software";
    frames?: string;
    video?: string;
    verify?: boolean;
    unconfined?: boolean;
    bounds: "default" | "recorded";
    outputMb?: number;
  };
  return new Command("replay")
    .description("Plays a recording, and shows or compares what its program drew.")
    .argument("<file>", "as heliograph record keeps them")
    .addOption(
      new Option("--adapter <which>", "this machine's GPU, or the software one")
        .choices(["auto", "hardware", "software"])
        .default("auto"),
    )
    .option("--frames <folder>", "writes each picture as a PNG file")
    .option("--video <file.mp4>", "writes the pictures as a video", parseMp4)
    .option("--verify", "compares with the hashes that were recorded on the same adapter")
    .option("--unconfined", "plays also where nothing keeps it from this user's files and network")
    .addOption(
      new Option("--bounds <which>", "the default bounds at most, or those that the file names")
        .choices(["default", "recorded"])
        .default("default"),
    )
    .option("--output-mb <number>", "MiB of pictures that may be written (default: 1024)", parseMb)
    .action(async (file: string, { verify, unconfined, ...options }: Options) => {
      const { replay } = await import("#server/main/replay.ts");
      process.exitCode = await replay({
        file,
        ...options,
        verify: verify === true,
        unconfined: unconfined === true,
      });
    });
}

/** Else the file would hold another format than its name says. */
function parseMp4(file: string): string {
  if (file.toLowerCase().endsWith(".mp4")) return file;
  throw new InvalidArgumentError("write the name of a file that ends in .mp4.");
}

function parseMb(text: string): number {
  const megabytes = Number(text);
  if (/^[1-9]\d*$/.test(text) && megabytes <= MAX_OUTPUT_MB) return megabytes;
  throw new InvalidArgumentError(`write a number of MiB from 1 to ${MAX_OUTPUT_MB}.`);
}
