import { execFile } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { driverEnvironment } from "#server/config/env.ts";
import type { WorkerCommand } from "#server/confine/command.ts";
import { unpackSoftwareVulkan } from "#server/worker/software-vulkan.ts";

/** A driver that hangs is killed after this. */
const PROBE_TIMEOUT_MS = 10_000;

const ProbeLine = z.discriminatedUnion("found", [
  z.object({ found: z.literal(false) }),
  z.object({
    found: z.literal(true),
    vendor: z.string(),
    architecture: z.string(),
    device: z.string(),
    description: z.string(),
    isFallbackAdapter: z.boolean().optional(),
  }),
]);

/** The program that looks for a GPU; started as a worker is, it tells what a worker finds. */
export const GPU_PROBE_PROGRAM = fileURLToPath(
  new URL(`./gpu-probe-child${path.extname(import.meta.filename)}`, import.meta.url),
);

/** The GPU that workers will use, and the environment in which they find it. */
export type Gpu = {
  readonly name: string;
  readonly isSoftware: boolean;
  readonly environment: Readonly<Record<string, string>>;
};

/** What was tried and what came of it; `gpu` is absent where nothing works. */
export type GpuProbe = {
  readonly gpu?: Gpu;
  /** One sentence for each attempt, for logs and the doctor. */
  readonly attempts: readonly string[];
};

export type GpuProbeOptions = {
  readonly wanted: "auto" | "hardware" | "software";
  readonly cacheFolder: string;
  /** Ends the search at once. */
  readonly signal?: AbortSignal;
};

/** Asks Dawn in child processes: for a GPU of this machine, then for the software one. Never rejects. */
export async function probeGpu({
  wanted,
  cacheFolder,
  signal = new AbortController().signal,
}: GpuProbeOptions): Promise<GpuProbe> {
  const inherited = driverEnvironment();
  const attempts: string[] = [];
  if (wanted !== "software") {
    const { gpu, sentence } = await attempt(
      "This machine's drivers",
      plainProbe(inherited),
      signal,
    );
    attempts.push(sentence);
    if (gpu !== undefined && (wanted === "auto" || !gpu.isSoftware)) return { gpu, attempts };
  }
  if (wanted !== "hardware") {
    try {
      const environment = { ...inherited, ...(await unpackSoftwareVulkan(cacheFolder)) };
      const { gpu, sentence } = await attempt(
        "The built-in software GPU",
        plainProbe(environment),
        signal,
      );
      attempts.push(sentence);
      if (gpu !== undefined) return { gpu, attempts };
    } catch (error) {
      attempts.push(`The built-in software GPU can't be unpacked: ${messageOf(error)}.`);
    }
  }
  return { attempts };
}

/**
 * Why a process that is started by this command does not find the GPU that was found without; undefined where it does. For
 * commands of GPU_PROBE_PROGRAM. Never rejects.
 */
export async function hidesGpu(
  command: WorkerCommand,
  gpu: Gpu,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { gpu: found, sentence } = await attempt("Confined", command, signal);
  return found?.name === gpu.name ? undefined : sentence;
}

async function attempt(
  what: string,
  command: WorkerCommand,
  signal: AbortSignal,
): Promise<{ readonly gpu?: Gpu; readonly sentence: string }> {
  const { environment } = command;
  const result = await runProbe(command, signal);
  if (typeof result === "string") return { sentence: `${what}: ${result}` };
  if (!result.found) return { sentence: `${what}: Dawn finds no adapter.` };
  const { vendor, architecture, device, description } = result;
  const isSoftware =
    result.isFallbackAdapter === true ||
    /swiftshader|llvmpipe|lavapipe|basic render/i.test(`${architecture} ${device} ${description}`);
  // A software adapter's device is not a name; its description says driver and version.
  const name = (isSoftware ? description : device) || description || vendor || "an unnamed GPU";
  return { gpu: { name, isSoftware, environment }, sentence: `${what}: ${name} works.` };
}

function plainProbe(environment: Readonly<Record<string, string>>): WorkerCommand {
  return { program: process.execPath, args: [GPU_PROBE_PROGRAM], environment };
}

/** A string is the sentence that says why there is no answer. */
function runProbe(
  { program, args, environment }: WorkerCommand,
  signal: AbortSignal,
): Promise<z.infer<typeof ProbeLine> | string> {
  return new Promise((resolve) => {
    let answered = false;
    const answer = (result: z.infer<typeof ProbeLine> | string) => {
      answered = true;
      resolve(result);
    };
    const child = execFile(
      program,
      [...args],
      { env: { ...environment }, timeout: PROBE_TIMEOUT_MS, killSignal: "SIGKILL", signal },
      (error, _stdout, stderr) => {
        if (answered) return;
        const last = stderr.trim().split("\n").at(-1) ?? "";
        if (signal.aborted) answer("the search was ended.");
        else if (error?.killed === true) answer(`the driver hangs (${PROBE_TIMEOUT_MS / 1000} s).`);
        else
          answer(`the probe ended early: ${last === "" ? (error?.message ?? "no reason") : last}`);
      },
    );
    let line = "";
    child.stdout?.on("data", (text: string) => {
      line += text;
      if (answered || !line.includes("\n")) return;
      answer(parseLine(line));
      child.kill("SIGKILL");
    });
  });
}

function parseLine(line: string): z.infer<typeof ProbeLine> | string {
  try {
    return ProbeLine.parse(JSON.parse(line));
  } catch (error) {
    return `the probe's answer is not understood: ${messageOf(error)}`;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
