import { homedir, tmpdir } from "node:os";
import path from "node:path";

// The only file of the server that reads the environment.

/** What the gateway takes from its environment; every path is absolute. */
export type GatewayEnvironment = {
  readonly configFile: string | undefined;
  /** Keys live here: it must survive restarts. */
  readonly stateFolder: string;
  /** What can be made again: the unpacked software Vulkan driver. */
  readonly cacheFolder: string;
  /** Where Node keeps what it compiled, for the next start; absent: it keeps nothing. */
  readonly compileCache?: string | undefined;
  /** Sockets of this run live in a folder made under it. */
  readonly runtimeFolder: string;
};

export function readGatewayEnvironment(env: NodeJS.ProcessEnv = process.env): GatewayEnvironment {
  const home = homedir();
  return {
    configFile: absolute(env["HELIOGRAPH_CONFIG"]),
    stateFolder:
      absolute(env["HELIOGRAPH_STATE_DIR"]) ??
      path.join(
        absolute(env["XDG_STATE_HOME"]) ?? path.join(home, ".local", "state"),
        "heliograph",
      ),
    cacheFolder: path.join(
      absolute(env["XDG_CACHE_HOME"]) ?? path.join(home, ".cache"),
      "heliograph",
    ),
    compileCache:
      absolute(env["NODE_DISABLE_COMPILE_CACHE"]) === undefined
        ? absolute(env["NODE_COMPILE_CACHE"])
        : undefined,
    runtimeFolder: absolute(env["XDG_RUNTIME_DIR"]) ?? tmpdir(),
  };
}

// What GPU and video drivers read. The rest stays behind: a worker that its guest took over must
// not find secrets in its environment.
const DRIVER_VARIABLE =
  /^(PATH|HOME|TMPDIR|TZ|LANG|LC_\w+|XDG_(CACHE_HOME|RUNTIME_DIR|DATA_DIRS|CONFIG_DIRS)|LD_LIBRARY_PATH|DISPLAY|WAYLAND_DISPLAY|(VK|LIBVA|VDPAU|CUDA|NVIDIA|NV|MESA|DRI|AMD|RADV|ANV|GALLIUM|EGL|__GLX|__NV)_\w+|SYSTEMROOT)$/;

/** The part of the environment that a GPU worker inherits. */
export function driverEnvironment(env: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && DRIVER_VARIABLE.test(name)) kept[name] = value;
  }
  return kept;
}

function absolute(value: string | undefined): string | undefined {
  return value === undefined || value === "" ? undefined : path.resolve(value);
}
