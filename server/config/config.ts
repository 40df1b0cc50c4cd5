import { readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { isAddressOrNetwork } from "#server/ingress/client-addresses.ts";
import { GpuShare } from "#shared/admin/gpu-share.ts";
import { MAX_RESUME_MS } from "#shared/link/control.ts";
import { boundsFields } from "./bounds.ts";
import { ConfigError } from "./config-error.ts";
import { type ConfigSource, ConfigText, type SettingPath } from "./config-text.ts";
import type { GatewayEnvironment } from "./env.ts";
import { describeMistakes } from "./mistakes.ts";
import { recordings } from "./recordings.ts";

/** The smallest and largest side of a picture that a profile may allow: what encoders take. */
export const MIN_SIDE = 64;
export const MAX_SIDE = 4096;

const side = z.number().int().min(MIN_SIDE).max(MAX_SIDE).multipleOf(2);
const size = z.strictObject({ width: side, height: side });
const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/)
  .meta({ fix: "write 1 to 64 letters, digits, dots, dashes or underscores" });

/** Of a profile; faster than any screen in use shows. */
export const MAX_FRAME_RATE = 240;

const unwatchedFrameRate = z.number().min(0.1).max(MAX_FRAME_RATE);

const profile = z.strictObject({
  /** The size that a program starts with. Absent: 1280x720, or 640x360 on a software GPU. */
  size: size.optional(),
  minSize: size.default({ width: 160, height: 120 }),
  maxSize: size.default({ width: 3840, height: 2160 }),
  /** Frames a second at most. */
  frameRate: z.number().min(1).max(MAX_FRAME_RATE).default(60),
  /** Frames a second while nobody watches. Absent: the gateway's. */
  unwatchedFrameRate: unwatchedFrameRate.optional(),
  /** Its part of the GPU. */
  share: GpuShare.default({ policy: "equal-share", weight: 1 }).meta({
    fix:
      "write { policy: equal-share, weight: 1 }, { policy: fixed-share, percent: 25 }, " +
      "{ policy: target-frame-rate, frameRate: 30 } or { policy: best-effort }",
  }),
  /** The whole GPU for one session: others are refused while its programs are connected, and it while others' are. */
  exclusive: z.boolean().default(false),
  /** Bits a second of video at most. Absent: what the media threads allow. */
  maxBitrate: z.number().int().min(300_000).max(200_000_000).optional(),
  /** MiB of the host's memory that a session's GPU worker may take; on a software GPU, textures are among it. */
  hostMemoryMb: z.number().int().min(256).max(1_048_576).default(4096),
  /** Its programs' command streams are recorded: see docs/recording.md. */
  record: z.boolean().default(false),
  ...boundsFields,
});
/** What the sessions of this profile may use, and its name in the configuration. */
export type Profile = z.infer<typeof profile> & {
  readonly name: string;
  readonly unwatchedFrameRate: number;
};

/** How viewers reach this host for video. */
const ice = z.strictObject({
  /** Addresses to offer. Absent: the one that the gateway listens on, or all where it listens on all. */
  hosts: z.array(z.string().min(1)).min(1).optional(),
  /** UDP ports, from and to. Absent: the system's choice. */
  portRange: z.tuple([z.number().int().min(1024), z.number().int().max(65_535)]).optional(),
  /** STUN and TURN servers. */
  servers: z
    .array(
      z.strictObject({
        urls: z
          .string()
          .regex(/^(stun|turn)s?:/)
          .meta({ fix: 'write an address such as "turn:turn.example:3478"' }),
        username: z.string().optional(),
        credential: z.string().optional(),
      }),
    )
    .default([]),
});

const perMinute = z.number().int().min(1).max(1_000_000);
const strangers = z.number().int().min(1).max(4096);
/** What strangers may do before they show a good token, and good tokens within a minute. */
const doors = z.strictObject({
  /** Whose pages may connect as viewers besides the gateway's own. */
  origins: z
    .array(
      z
        .string()
        .regex(/^https?:\/\/[^/?#@\s]+$/)
        .meta({ fix: 'write scheme, host and port alone, such as "https://portal.example"' }),
    )
    .default([]),
  /** Proxies whose X-Forwarded-For says who sends a request. */
  trustedProxies: z
    .array(
      z
        .string()
        .refine(isAddressOrNetwork)
        .meta({ fix: 'write addresses or networks, such as "10.0.0.0/8"' }),
    )
    .default([]),
  /** Of one address at each door: programs' upgrades, viewers' upgrades, all other requests. */
  attemptsPerMinute: perMinute.default(3_000),
  /** Tokens of one address that were not good; more of them are not looked into. */
  failuresPerMinute: perMinute.default(60),
  /** Programs and viewers of one session that are let in. */
  joinsPerMinute: perMinute.default(600),
  /** Viewers of one token. */
  tokenJoinsPerMinute: perMinute.default(120),
  /** Open connections without a good token; of more, the oldest are closed. */
  strangers: strangers.default(512),
  strangersPerAddress: strangers.default(128),
});

const pemFile = z
  .string()
  .min(1)
  .meta({ fix: "write the paths of two PEM files as tls.cert and tls.key" });

const fields = z.strictObject({
  host: z
    .string()
    .min(1)
    .default("127.0.0.1")
    .meta({ fix: 'write an address, such as "127.0.0.1"' }),
  port: z
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(7340)
    .meta({ fix: "write a number from 0 (any free port) to 65535, such as 7340" }),
  tls: z.strictObject({ cert: pemFile, key: pemFile }).optional(),
  gpu: z.enum(["auto", "hardware", "software"]).default("auto"),
  /** Of GPU workers. "auto": as well as this machine can. "require": no worker without. */
  confinement: z.enum(["auto", "require", "off"]).default("auto"),
  dawnFlags: z
    .array(
      z
        .string()
        .regex(/^\S+$/)
        .meta({ fix: 'write flags without spaces, such as "backend=vulkan"' }),
    )
    .default([]),
  /** GPU time of one submit past which its worker is killed. Absent: 1 s, or 5 s on a software GPU. Milliseconds. */
  submitDeadline: z.number().int().min(100).max(600_000).optional(),
  /** "paced": as fast as the viewers show. "unlimited": as fast as the GPU finishes, watched or not. */
  frameRate: z.enum(["paced", "unlimited"]).default("paced"),
  /** Frames a second of a session that nobody watches, unless its profile says else. */
  unwatchedFrameRate: unwatchedFrameRate.default(1),
  ice: ice.default({ servers: [] }),
  doors: doors.prefault({}),
  mediaThreads: z.number().int().min(1).max(16).default(2),
  /** Seconds that a session's GPU worker stays after its last program left. */
  workerIdleSeconds: z.number().min(0).max(86_400).default(30),
  /** Seconds that a program's broken link is kept for its relay to resume. */
  resumeSeconds: z
    .number()
    .min(0)
    .max(MAX_RESUME_MS / 1000)
    .default(30),
  /**
   * Who reads /metrics. "loopback": this machine, and who has an admin's token. "token": only the latter; what comes from this
   * machine may be a proxy that does not say so, or a VM behind its NAT.
   */
  metrics: z.enum(["loopback", "token", "off"]).default("token"),
  logLevel: z.enum(["debug", "info", "warn", "error"]).default("info"),
  recordings: recordings.prefault({}),
  profiles: z.record(name, profile).default({}),
});

export type Config = Omit<z.infer<typeof fields>, "profiles" | "recordings"> & {
  readonly recordings: z.infer<typeof recordings> & { readonly folder: string };
  /** Has at least "default". */
  readonly profiles: ReadonlyMap<string, Profile>;
  /** Absent: the defaults. */
  readonly configFile?: string;
  readonly stateFolder: string;
  readonly cacheFolder: string;
  /** Of a worker's code as well as the gateway's. */
  readonly compileCache?: string | undefined;
  readonly runtimeFolder: string;
  /** May listen beyond loopback without TLS. */
  readonly insecureListen: boolean;
};

/** What the command line says; it wins over the file. */
export type ConfigOverrides = {
  readonly configFile?: string;
  readonly host?: string;
  readonly port?: number;
  readonly stateFolder?: string;
  readonly insecureListen?: boolean;
};

export const DEFAULT_PROFILE = "default";

export async function loadConfig(
  environment: GatewayEnvironment,
  overrides: ConfigOverrides = {},
): Promise<Config> {
  return resolveConfig(environment, overrides, await readConfig(environment, overrides));
}

/** The configuration's file; undefined where the gateway is told of none. Throws ConfigError. */
export async function readConfig(
  environment: GatewayEnvironment,
  overrides: ConfigOverrides,
): Promise<ConfigSource | undefined> {
  const file = overrides.configFile ?? environment.configFile;
  return file === undefined ? undefined : readConfigFile(file);
}

/** The pure part of loadConfig(). Paths in the file are relative to the file's folder. */
export function resolveConfig(
  environment: GatewayEnvironment,
  overrides: ConfigOverrides,
  source: ConfigSource | undefined,
): Config {
  const text = source && ConfigText.parse(source);
  const where = (at: SettingPath) => text?.where(at) ?? "The built-in configuration";
  const parsed = fields.safeParse({
    ...text?.value,
    ...(overrides.host === undefined ? {} : { host: overrides.host }),
    ...(overrides.port === undefined ? {} : { port: overrides.port }),
  });
  if (!parsed.success) throw new ConfigError(describeMistakes(fields, parsed.error, where));
  const { profiles, tls, ...rest } = parsed.data;
  const folder = source === undefined ? process.cwd() : path.dirname(path.resolve(source.file));
  const stateFolder = path.resolve(overrides.stateFolder ?? environment.stateFolder);
  const recordingsFolder =
    rest.recordings.folder === undefined
      ? path.join(stateFolder, "recordings")
      : path.resolve(folder, rest.recordings.folder);
  const config: Config = {
    ...rest,
    recordings: { ...rest.recordings, folder: recordingsFolder },
    ...(tls === undefined
      ? {}
      : { tls: { cert: path.resolve(folder, tls.cert), key: path.resolve(folder, tls.key) } }),
    profiles: new Map(
      Object.entries({ [DEFAULT_PROFILE]: profile.parse({}), ...profiles }).map(
        ([profileName, allows]) => [
          profileName,
          {
            ...allows,
            name: profileName,
            unwatchedFrameRate: allows.unwatchedFrameRate ?? rest.unwatchedFrameRate,
          },
        ],
      ),
    ),
    ...(source === undefined ? {} : { configFile: path.resolve(source.file) }),
    stateFolder,
    cacheFolder: environment.cacheFolder,
    compileCache: environment.compileCache,
    runtimeFolder: environment.runtimeFolder,
    insecureListen: overrides.insecureListen ?? false,
  };
  for (const [profileName, bounds] of config.profiles) checkSizes(where, profileName, bounds);
  const isWritten = text !== undefined && overrides.host === undefined;
  checkListen(config, isWritten ? `${where(["host"])}: ` : "");
  return config;
}

/** True for the addresses that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

function checkListen(config: Config, where: string): void {
  if (isLoopback(config.host) || config.tls !== undefined || config.insecureListen) return;
  throw new ConfigError(
    `${where}host (${config.host}) is reachable from other machines, and tokens would cross the network ` +
      "in the clear: set tls.cert and tls.key, or put a TLS proxy in front and pass --insecure-listen.",
  );
}

function checkSizes(
  where: (path: SettingPath) => string,
  profileName: string,
  bounds: Profile,
): void {
  for (const axis of ["width", "height"] as const) {
    const low = bounds.minSize[axis];
    const high = bounds.maxSize[axis];
    const start = bounds.size?.[axis] ?? low;
    if (low > high || start < low || start > high) {
      throw new ConfigError(
        `${where(["profiles", profileName, low > high ? "minSize" : "size", axis])}: profiles.${profileName}: ${axis} must rise from minSize (${low}) over ` +
          `size (${start}) to maxSize (${high}); change the one that is out of order.`,
      );
    }
  }
}

/** Throws ConfigError. */
export async function readConfigFile(file: string): Promise<ConfigSource> {
  try {
    return { file, text: await readFile(file, "utf8") };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(
      `The configuration file ${file} can't be read (${reason}): correct --config, or leave it ` +
        "out to run with the defaults.",
      { cause },
    );
  }
}
