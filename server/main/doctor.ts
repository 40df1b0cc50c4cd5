import { access } from "node:fs/promises";
import { createServer } from "node:net";
import { arch, availableParallelism, platform, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { type Config, type ConfigOverrides, loadConfig } from "#server/config/config.ts";
import { ConfigError } from "#server/config/config-error.ts";
import { driverEnvironment, readGatewayEnvironment } from "#server/config/env.ts";
import { findConfinement } from "#server/confine/confinement.ts";
import { findMemoryCap } from "#server/confine/memory-cap.ts";
import { encoderBackends } from "#server/encode/backends.ts";
import { probeEncoders } from "#server/encode/encoder-probe.ts";
import { confinementWithGpu } from "#server/session/gpu-confinement.ts";
import { type GpuProbe, probeGpu } from "#server/session/gpu-probe.ts";

/** One thing that was looked at. */
type Finding = {
  readonly subject: string;
  /** "missing": the gateway does not work without it. "note": it works, but could do better. */
  readonly verdict: "ok" | "note" | "missing";
  /** What was found and what will be used, in a sentence. */
  readonly sentence: string;
  /** What to do about it, in a sentence. */
  readonly nextStep?: string;
};

const OLDEST_NODE = 24;

/** `heliograph doctor`: prints what the gateway would find here. Resolves with the exit code. */
export async function doctor(overrides: ConfigOverrides, json: boolean): Promise<number> {
  const findings = await examine(overrides);
  process.stdout.write(json ? `${JSON.stringify(findings, null, 2)}\n` : report(findings));
  return findings.some(({ verdict }) => verdict === "missing") ? 1 : 0;
}

async function examine(overrides: ConfigOverrides): Promise<readonly Finding[]> {
  const findings: Finding[] = [checkNode(), machine()];
  let config: Config;
  try {
    config = await loadConfig(readGatewayEnvironment(), overrides);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return [...findings, { subject: "Config", verdict: "missing", sentence: error.message }];
  }
  const probe = await probeGpu({ wanted: config.gpu, cacheFolder: config.cacheFolder });
  findings.push(
    checkGpu(config, probe),
    ...(await checkEncoders()),
    await checkPort(config),
    videoPorts(config),
    await checkViewer(),
    await checkConfinement(config, probe),
    await checkMemory(),
  );
  return findings;
}

function checkNode(): Finding {
  const { node } = process.versions;
  if (Number.parseInt(node, 10) >= OLDEST_NODE) {
    return { subject: "Node", verdict: "ok", sentence: `Node ${node} runs this.` };
  }
  return {
    subject: "Node",
    verdict: "missing",
    sentence: `This is Node ${node}; the gateway needs Node ${OLDEST_NODE}.`,
    nextStep: 'Start it with "npm start" or "npm run heliograph --", which bring their own.',
  };
}

function machine(): Finding {
  const gigabytes = (totalmem() / 1024 ** 3).toFixed(0);
  return {
    subject: "Machine",
    verdict: "ok",
    sentence: `${platform()} on ${arch()}, ${availableParallelism()} cores, ${gigabytes} GiB of memory.`,
  };
}

function checkGpu({ gpu: wanted }: Config, { gpu, attempts }: GpuProbe): Finding {
  const tried = attempts.join(" ");
  if (gpu === undefined) {
    return {
      subject: "GPU",
      verdict: "missing",
      sentence: tried,
      nextStep: `Install a Vulkan driver for the GPU${wanted === "hardware" ? ', or set gpu to "auto"' : ""}.`,
    };
  }
  if (!gpu.isSoftware) {
    return { subject: "GPU", verdict: "ok", sentence: `${tried} Sessions use it.` };
  }
  return {
    subject: "GPU",
    verdict: "note",
    sentence: `${tried} Sessions use ${gpu.name}, on the processor.`,
    nextStep:
      "With a GPU in this machine, install its Vulkan driver (such as mesa-vulkan-drivers 23 or " +
      "later, or NVIDIA's) and see that vulkaninfo --summary lists it.",
  };
}

async function checkConfinement(
  { confinement: wanted }: Config,
  { gpu }: GpuProbe,
): Promise<Finding> {
  const found = await findConfinement(wanted, driverEnvironment()["PATH"] ?? "");
  const { kind, sentence, nextStep, forbidsWorkers } =
    gpu === undefined ? found : await confinementWithGpu(found, wanted, gpu);
  return {
    subject: "Confinement",
    verdict: forbidsWorkers ? "missing" : kind === "bubblewrap" ? "ok" : "note",
    sentence,
    ...(nextStep === undefined ? {} : { nextStep }),
  };
}

async function checkMemory(): Promise<Finding> {
  const { bytes, sentence, nextStep } = await findMemoryCap(undefined); // Its own process is in no gateway's group.
  return {
    subject: "Memory",
    verdict: bytes === undefined ? "note" : "ok",
    sentence,
    ...(nextStep === undefined ? {} : { nextStep }),
  };
}

async function checkEncoders(): Promise<readonly Finding[]> {
  const reports = await probeEncoders(encoderBackends());
  const used = reports.find(({ refusal }) => refusal === undefined);
  const refused = reports
    .filter(({ refusal }) => refusal !== undefined)
    .map(({ backend, refusal }): Finding => ({
      subject: `Encoder ${backend.title}`,
      verdict: "note",
      sentence: `Not used: ${refusal}`,
    }));
  if (used === undefined) {
    const nextStep = "Run npm ci again: the package node-av carries libx264 for this system.";
    const sentence = "No H.264 encoder works.";
    return [...refused, { subject: "Encoder", verdict: "missing", sentence, nextStep }];
  }
  const sentence = `Video is encoded by ${used.backend.title} (${used.backend.name}).`;
  return [...refused, { subject: "Encoder", verdict: "ok", sentence }];
}

async function checkPort({ host, port }: Config): Promise<Finding> {
  const subject = "Port";
  const problem = await listenError(host, port);
  if (problem === undefined) {
    return { subject, verdict: "ok", sentence: `TCP ${host}:${port} is free for the gateway.` };
  }
  const nextStep =
    problem === "EADDRINUSE"
      ? "If that is this gateway, all is well; else stop the other program or pass --port."
      : "Pass a --host and --port that this user may listen on.";
  return {
    subject,
    verdict: "note",
    sentence: `TCP ${host}:${port} can't be listened on (${problem}).`,
    nextStep,
  };
}

function listenError(host: string, port: number): Promise<string | undefined> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}

function videoPorts({ host, ice }: Config): Finding {
  const ports =
    ice.portRange === undefined
      ? "any free UDP port"
      : `UDP ports ${ice.portRange[0]} to ${ice.portRange[1]}`;
  const where = ice.hosts?.join(", ") ?? host;
  return {
    subject: "Video",
    verdict: "ok",
    sentence: `WebRTC uses ${ports} on ${where}.`,
    ...(ice.portRange === undefined
      ? { nextStep: "Behind a firewall, set ice.portRange in the config and open those ports." }
      : {}),
  };
}

async function checkViewer(): Promise<Finding> {
  const page = fileURLToPath(new URL("../../dist/viewer/index.html", import.meta.url));
  return access(page).then(
    (): Finding => ({ subject: "Viewer", verdict: "ok", sentence: "The viewer's page is built." }),
    (): Finding => ({
      subject: "Viewer",
      verdict: "missing",
      sentence: "The viewer's page is not built.",
      nextStep: "Run npm run build:viewer.",
    }),
  );
}

const MARKS = { ok: "ok     ", note: "note   ", missing: "MISSING" } as const;

function report(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ subject }) => subject.length));
  const lines = findings.flatMap(({ subject, verdict, sentence, nextStep }) => [
    `${MARKS[verdict]}  ${subject.padEnd(width)}  ${sentence}`,
    ...(nextStep === undefined ? [] : [`${" ".repeat(9 + width + 2)}→ ${nextStep}`]),
  ]);
  const missing = findings.filter(({ verdict }) => verdict === "missing").length;
  const close =
    missing === 0
      ? "The gateway works here."
      : `The gateway does not work here yet: see the ${missing === 1 ? "line" : `${missing} lines`} marked MISSING.`;
  return `${lines.join("\n")}\n\n${close}\n`;
}
