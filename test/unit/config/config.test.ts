import { describe, expect, test } from "vitest";
import {
  boundsOf,
  MAX_MB,
  MAX_OBJECTS,
  MAX_PER_SECOND,
  MAX_SHADER_KB,
  MIN_GPU_MB,
} from "#server/config/bounds.ts";
import { loadConfig, MAX_SIDE, MIN_SIDE, resolveConfig } from "#server/config/config.ts";
import { ConfigError } from "#server/config/config-error.ts";
import { driverEnvironment, readGatewayEnvironment } from "#server/config/env.ts";
import { DEFAULT_BOUNDS } from "#server/replay/bounds.ts";
import { iceOptions } from "#server/config/ice.ts";

const environment = {
  configFile: undefined,
  stateFolder: "/state",
  cacheFolder: "/cache",
  runtimeFolder: "/run",
};

const parse = (text: string) => resolveConfig(environment, {}, { file: "/etc/h.yaml", text });

test("without a file, the gateway listens on loopback at 7340 with one profile", () => {
  const config = resolveConfig(environment, {}, undefined);
  expect(config).toMatchObject({ host: "127.0.0.1", port: 7340, gpu: "auto", frameRate: "paced" });
  expect(config.stateFolder).toBe("/state");
  expect([...config.profiles.keys()]).toEqual(["default"]);
  expect(config.profiles.get("default")).toMatchObject({ frameRate: 60 });
});

test("the command line wins over the file, and the file over the defaults", () => {
  const source = { file: "/etc/h.yaml", text: "port: 1\nmediaThreads: 3" };
  const config = resolveConfig(environment, { port: 2, stateFolder: "/other" }, source);
  expect(config).toMatchObject({ port: 2, mediaThreads: 3, stateFolder: "/other" });
});

test("paths in the file count from the file's folder", () => {
  expect(parse("tls: { cert: a.pem, key: /b.pem }").tls).toEqual({
    cert: "/etc/a.pem",
    key: "/b.pem",
  });
});

test("what strangers may do is bounded by default, and each bound is set alone", () => {
  expect(parse("").doors).toEqual({
    origins: [],
    trustedProxies: [],
    attemptsPerMinute: 3_000,
    failuresPerMinute: 60,
    joinsPerMinute: 600,
    tokenJoinsPerMinute: 120,
    strangers: 512,
    strangersPerAddress: 128,
  });
  expect(parse("doors: { strangers: 4096 }").doors).toMatchObject({
    strangers: 4096,
    failuresPerMinute: 60,
  });
});

test("nothing is recorded unless a profile says so, and what is recorded stays in the state folder", () => {
  expect(parse("").profiles.get("default")?.record).toBe(false);
  expect(parse("profiles: { a: { record: true } }").profiles.get("a")?.record).toBe(true);
  const limits = { fileMb: 64, files: 16, totalMb: 512 };
  expect(parse("").recordings).toEqual({ folder: "/state/recordings", ...limits });
  expect(parse("recordings: { folder: r, files: 1 }").recordings).toEqual({
    ...limits,
    folder: "/etc/r",
    files: 1,
  });
  expect(parse("recordings: { fileMb: 2, totalMb: 2 }").recordings.totalMb).toBe(2);
  expect(() => parse("recordings: { fileMb: 3, totalMb: 2 }")).toThrow(
    "fileMb is more than totalMb, so that no recording has room",
  );
});

test("a profile draws as slowly as the gateway's others while nobody watches, unless it says else", () => {
  const { profiles } = parse(
    "unwatchedFrameRate: 2\nprofiles: { a: {}, b: { unwatchedFrameRate: 30 } }",
  );
  const rates = [...profiles].map(([name, { unwatchedFrameRate }]) => [name, unwatchedFrameRate]);
  expect(Object.fromEntries(rates)).toEqual({ default: 2, a: 2, b: 30 });
});

test("an empty file is the defaults", () => {
  expect(parse("# nothing\n")).toMatchObject({ port: 7340 });
});

test("a profile without bounds has the defaults, and what it sets goes to its workers", () => {
  const profile = parse("profiles: { a: { gpuMemoryMb: 16, maxDrawVertices: 1 } }").profiles.get(
    "a",
  )!;
  expect(boundsOf(profile)).toEqual({ ...DEFAULT_BOUNDS, gpuMemoryMb: 16, maxDrawVertices: 1 });
  expect(boundsOf(parse("").profiles.get("default")!)).toEqual(DEFAULT_BOUNDS);
});

describe("a mistake names the line on which it stands", () => {
  test.for([
    { of: "a setting", text: "# a comment\n\nport: x", line: 3 },
    {
      of: "a profile's setting",
      text: "profiles:\n  a:\n    frameRate: 30\n    objects: 0",
      line: 4,
    },
    { of: "an item of a list", text: "doors:\n  origins:\n    - https://a\n    - b", line: 4 },
    { of: "a part of a pair", text: "ice:\n  portRange:\n    - 40000\n    - x", line: 4 },
    { of: "what is not a setting", text: "port: 1\nprofiles:\n  a:\n    colour: red", line: 4 },
    { of: "the second of two that are none", text: "a: 1\nb: 2", line: 2 },
    {
      of: "what is missing: that of what it belongs to",
      text: "port: 1\ntls:\n  cert: a",
      line: 2,
    },
    { of: "a profile's name", text: "profiles:\n  fine: {}\n  -no: {}", line: 3 },
    {
      of: "sizes out of order",
      text: "profiles:\n  a:\n    minSize:\n      width: 800\n      height: 600\n    size: { width: 640, height: 600 }",
      line: 6,
    },
    { of: "no YAML", text: "port: 1\nhost: [", line: 2 },
    { of: "a setting that is there twice", text: "port: 1\nhost: ::1\nport: 2", line: 3 },
    { of: "an address that is reachable from elsewhere", text: "port: 1\nhost: 0.0.0.0", line: 2 },
  ])("$of", ({ text, line }) => {
    expect(() => parse(text)).toThrow(new RegExp(`^(?:.*\\n)?/etc/h\\.yaml:${line}\\b[^\\n]*$`));
  });

  test("unless the command line says it", () => {
    const source = { file: "/etc/h.yaml", text: "host: 127.0.0.1" };
    expect(() => resolveConfig(environment, { host: "::" }, source)).toThrow(/^host \(::\)/);
  });
});

describe("a mistake names the field and the fix", () => {
  test.for([
    {
      text: "port: 65536",
      says: /^\/etc\/h\.yaml:1: port is wrong: .*0 \(any free port\) to 65535/,
    },
    { text: "port: x", says: /port is wrong/ },
    {
      text: "prot: 7340",
      says: /prot is not a setting: correct or remove it; the known ones are .*port/,
    },
    { text: "tls: { cert: a.pem }", says: /tls\.key is wrong.*two PEM files/ },
    { text: "tls: { cert: a, key: b, ca: c }", says: /tls\.ca is not a setting/ },
    { text: "gpu: nvidia", says: /gpu is wrong.*"auto", "hardware" or "software"/ },
    { text: "confinement: yes", says: /confinement is wrong.*"auto", "require" or "off"/ },
    { text: "profiles: { a: { hostMemoryMb: 255 } }", says: /profiles\.a\.hostMemoryMb is wrong/ },
    { text: "resumeSeconds: 301", says: /resumeSeconds is wrong.*from 0 to 300/ },
    { text: "frameRate: 60", says: /frameRate is wrong.*"paced" or "unlimited"/ },
    {
      text: "profiles: { a: { size: { width: 641, height: 360 } } }",
      says: /profiles\.a\.size\.width is wrong.*even number from 64 to 4096/,
    },
    {
      text: "profiles: { a: { minSize: { width: 800, height: 600 }, size: { width: 640, height: 600 } } }",
      says: /profiles\.a: width must rise from minSize \(800\) over size \(640\)/,
    },
    {
      text: `profiles: { a: { gpuMemoryMb: ${MIN_GPU_MB - 1} } }`,
      says: /a\.gpuMemoryMb is wrong.*from 16 to 1048576/,
    },
    {
      text: "profiles: { a: { objects: 0 } }",
      says: /a\.objects is wrong.*write a whole number from/,
    },
    { text: "profiles: { a: { uploadMbPerSecond: 0.5 } }", says: /uploadMbPerSecond is wrong/ },
    {
      text: "doors: { origins: [portal.example] }",
      says: /doors\.origins\.0 is wrong.*"https:\/\/portal\.example"/,
    },
    { text: "doors: { origins: ['https://a.example/path'] }", says: /doors\.origins\.0 is wrong/ },
    {
      text: "doors: { trustedProxies: [proxy.example] }",
      says: /doors\.trustedProxies\.0 is wrong.*"10\.0\.0\.0\/8"/,
    },
    {
      text: "doors: { failuresPerMinute: 0 }",
      says: /doors\.failuresPerMinute is wrong.*from 1 to 1000000/,
    },
    { text: "doors: { strangers: 4097 }", says: /doors\.strangers is wrong.*from 1 to 4096/ },
    { text: "profiles: { a b: {} }", says: /profiles\.a b is wrong.*1 to 64 letters, digits/ },
    { text: "profiles: []", says: /profiles is wrong.*write \{ name: … \}/ },
    { text: "profiles: { a: { size: 640 } }", says: /a\.size is wrong.*write \{ width: … \}/ },
    { text: "dawnFlags: x", says: /dawnFlags is wrong.*write a list, such as \[a, b\]/ },
    {
      text: "profiles: { a: { share: { policy: all } } }",
      says: /a\.share\.policy is wrong.*\{ policy: fixed-share, percent: 25 \}/,
    },
    {
      text: "profiles: { a: { colour: red } }",
      says: /profiles\.a\.colour is not a setting.*the known ones are .*frameRate/,
    },
    { text: "doors: { locked: true }", says: /doors\.locked is not a setting/ },
    { text: "port: [", says: /h\.yaml:1 is not YAML .*correct the line/ },
    { text: "- port", says: /h\.yaml:1 holds no settings/ },
    {
      text: "host: 0.0.0.0",
      says: /host \(0\.0\.0\.0\) is reachable .*tls\.cert .*--insecure-listen/s,
    },
  ])("$text", ({ text, says }) => {
    expect(() => parse(text)).toThrow(ConfigError);
    expect(() => parse(text)).toThrow(says);
  });

  test("a file that is not there", async () => {
    const missing = loadConfig(environment, { configFile: "/no/such.yaml" });
    await expect(missing).rejects.toThrow(/\/no\/such\.yaml can't be read .*correct --config/);
  });
});

describe("a profile's setting is taken at its limit and not past it", () => {
  test.for([
    { field: "objects", most: MAX_OBJECTS },
    { field: "shaderKb", most: MAX_SHADER_KB },
    { field: "compilesPerSecond", most: MAX_PER_SECOND },
    { field: "errorsPerSecond", most: MAX_PER_SECOND },
    { field: "gpuMemoryMb", most: MAX_MB },
    { field: "mappedMemoryMb", most: MAX_MB },
    { field: "uploadMbPerSecond", most: MAX_MB },
    { field: "readbackMbPerSecond", most: MAX_MB },
  ])("$field: $most", ({ field, most }) => {
    const withValue = (value: number) => () => parse(`profiles: { a: { ${field}: ${value} } }`);
    expect(withValue(most)().profiles.get("a")).toHaveProperty(field, most);
    expect(withValue(most + 1)).toThrow(`profiles.a.${field} is wrong`);
  });

  test.for(["width", "height"])(`maxSize.%s: ${MAX_SIDE}, and sides are even`, (axis) => {
    const size = (value: number) => ({ width: 640, height: 360, [axis]: value });
    const withSide = (value: number) => () =>
      parse(`profiles: { a: { maxSize: ${JSON.stringify(size(value))} } }`);
    expect(withSide(MAX_SIDE)().profiles.get("a")!.maxSize).toEqual(size(MAX_SIDE));
    expect(withSide(MAX_SIDE + 2)).toThrow(`profiles.a.maxSize.${axis} is wrong`);
    expect(withSide(MAX_SIDE - 1)).toThrow(`profiles.a.maxSize.${axis} is wrong`);
  });

  test.for(["width", "height"])(`minSize.%s: ${MIN_SIDE} at least`, (axis) => {
    const size = (value: number) => ({ width: 640, height: 360, [axis]: value });
    const withSide = (value: number) => () =>
      parse(`profiles: { a: { minSize: ${JSON.stringify(size(value))} } }`);
    expect(withSide(MIN_SIDE)().profiles.get("a")!.minSize).toEqual(size(MIN_SIDE));
    expect(withSide(MIN_SIDE - 2)).toThrow(`profiles.a.minSize.${axis} is wrong`);
  });
});

describe("listening beyond loopback", () => {
  test.for(["127.0.0.1", "127.1.2.3", "::1", "localhost"])("%s needs no TLS", (host) => {
    expect(resolveConfig(environment, { host }, undefined).host).toBe(host);
  });

  test.for(["0.0.0.0", "::", "192.168.0.1", "gpu-host", "128.0.0.1", "localhost.evil.example"])(
    "%s needs TLS or to be told",
    (host) => {
      expect(() => resolveConfig(environment, { host }, undefined)).toThrow(ConfigError);
      expect(resolveConfig(environment, { host, insecureListen: true }, undefined).host).toBe(host);
      const source = { file: "/etc/h.yaml", text: "tls: { cert: a, key: b }" };
      expect(resolveConfig(environment, { host }, source).host).toBe(host);
    },
  );
});

describe("where viewers reach the media", () => {
  test("follows the address that the gateway listens on", () => {
    expect(iceOptions(parse("")).hosts).toEqual(["127.0.0.1"]);
    const config = resolveConfig(
      environment,
      { host: "10.0.0.1", insecureListen: true },
      undefined,
    );
    expect(iceOptions(config).hosts).toEqual(["10.0.0.1"]);
  });

  test("is what is configured", () => {
    const config = parse("ice: { hosts: [10.0.0.2], portRange: [40000, 40100] }");
    expect(iceOptions(config)).toMatchObject({ hosts: ["10.0.0.2"], portRange: [40000, 40100] });
  });

  test("has its ports in order", () => {
    expect(() => iceOptions(parse("ice: { portRange: [40100, 40000] }"))).toThrow(
      /ice\.portRange \(40100 to 40000\) runs backwards/,
    );
  });
});

describe("the environment", () => {
  test("gives folders by the XDG rules unless it is told", () => {
    expect(readGatewayEnvironment({ XDG_STATE_HOME: "/s", XDG_CACHE_HOME: "/c" })).toMatchObject({
      stateFolder: "/s/heliograph",
      cacheFolder: "/c/heliograph",
    });
    expect(readGatewayEnvironment({ HELIOGRAPH_STATE_DIR: "/mine" }).stateFolder).toBe("/mine");
  });

  test("passes to workers what drivers read, and no secret", () => {
    const kept = driverEnvironment({
      PATH: "/bin",
      VK_DRIVER_FILES: "a.json",
      CUDA_VISIBLE_DEVICES: "0",
      LIBVA_DRIVER_NAME: "iHD",
      HELIOGRAPH_TOKEN: "secret",
      AWS_SECRET_ACCESS_KEY: "secret",
      NODE_OPTIONS: "--import=evil",
      LD_PRELOAD: "evil.so",
    });
    expect(Object.keys(kept).toSorted()).toEqual([
      "CUDA_VISIBLE_DEVICES",
      "LIBVA_DRIVER_NAME",
      "PATH",
      "VK_DRIVER_FILES",
    ]);
  });
});
