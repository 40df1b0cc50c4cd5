import {
  type Confinement,
  type WantedConfinement,
  withoutBubblewrap,
} from "#server/confine/confinement.ts";
import { type Gpu, GPU_PROBE_PROGRAM, hidesGpu } from "./gpu-probe.ts";

/**
 * The confinement under which workers find this GPU: the one that was found or, where that hides the driver's files, less. A
 * driver may keep files where no worker looks, and a worker without a GPU is of no use. Never rejects.
 */
export async function confinementWithGpu(
  found: Confinement,
  wanted: WantedConfinement,
  gpu: Gpu,
  signal: AbortSignal = new AbortController().signal,
): Promise<Confinement> {
  if (found.kind === "unconfined") return found;
  const command = found.command({
    main: GPU_PROBE_PROGRAM,
    environment: gpu.environment,
    usesDevices: !gpu.isSoftware,
    sockets: [],
    secrets: [],
  });
  const sentence = await hidesGpu(command, gpu, signal);
  if (sentence === undefined) return found;
  return withoutBubblewrap(wanted, {
    reason: `bubblewrap hides ${gpu.name} from them (${sentence.replace(/\.$/, "")})`,
    nextStep:
      "Name the folders of its driver in LD_LIBRARY_PATH, and its description in VK_DRIVER_FILES: " +
      "workers see what these name.",
  });
}
