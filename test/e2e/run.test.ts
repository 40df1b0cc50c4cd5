import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Running, System } from "#test/support/system.ts";

const DIRECT = fileURLToPath(new URL("../support/direct-preload.ts", import.meta.url));

function sample(name: string): string {
  return fileURLToPath(new URL(`../../public/samples/${name}.js`, import.meta.url));
}

let folder: string;
let system: System;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "heliograph-run-"));
  system = await System.start({ config: { unwatchedFrameRate: 30 } });
});

afterAll(async () => {
  await system[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** Writes a program to a file of its own. */
async function program(name: string, source: string): Promise<string> {
  const file = path.join(folder, `${name}.mjs`);
  await writeFile(file, source);
  return file;
}

test("a compute program gets the same numbers as under Dawn directly, and ends by itself", async () => {
  const direct = await promisify(execFile)(process.execPath, [
    "--import",
    DIRECT,
    sample("compute"),
  ]);
  await using remote = system.run("node", sample("compute"));
  expect(await remote.ended).toBe(0);
  expect(direct.stdout).toMatch(/^prefix sum: .*\nmatrix product: .*\n$/);
  expect(`${remote.output.join("\n")}\n`).toBe(direct.stdout);
});

test.for([
  { sample: "plain", frames: 3 },
  { sample: "colour-bars", frames: 3 },
  { sample: "three-orbit", frames: 3 },
])("$sample, unchanged, draws frame after frame until it is told to end", async (row) => {
  const before = system.workerStats.length;
  await using running = system.run("node", sample(row.sample));
  await expect
    .poll(() => count(system.workerStats.slice(before), "presented_frames"), { timeout: 30_000 })
    .toBeGreaterThanOrEqual(row.frames);
  running.signal("SIGTERM");
  expect(await running.ended).toBe(143);
  expect(running.complaints).toEqual([]);
});

test("a program with a canvas stays while it waits for input", async () => {
  const waiting = await program(
    "waiting",
    `const canvas = document.body.appendChild(document.createElement("canvas"));
     const device = await (await navigator.gpu.requestAdapter()).requestDevice();
     canvas.getContext("webgpu").configure({ device, format: "rgba8unorm" });
     setTimeout(() => console.log("still here"), 500).unref();`,
  );
  await using running = system.run("node", waiting);
  expect(await running.line(/still here/)).toBe("still here");
});

test("a picture reaches a texture from each kind of image that a page has", async () => {
  // Red and green over blue and white.
  const file = await program(
    "images",
    `const canvas = document.createElement("canvas");
     canvas.width = canvas.height = 2;
     const context = canvas.getContext("2d");
     for (const [index, colour] of ["#f00", "#0f0", "#00f", "#fff"].entries()) {
       context.fillStyle = colour;
       context.fillRect(index % 2, index >> 1, 1, 1);
     }
     const image = new Image();
     image.src = canvas.toDataURL();
     await image.decode();
     const bitmap = await createImageBitmap(await (await fetch(image.src)).blob());
     const offscreen = new OffscreenCanvas(2, 2);
     offscreen.getContext("2d").drawImage(image, 0, 0);
     const data = context.getImageData(0, 0, 2, 2);
     const device = await (await navigator.gpu.requestAdapter()).requestDevice();
     const { COPY_DST, COPY_SRC, RENDER_ATTACHMENT } = GPUTextureUsage;
     for (const source of [canvas, image, bitmap, offscreen, data]) {
       const usage = COPY_DST | COPY_SRC | RENDER_ATTACHMENT;
       const texture = device.createTexture({ size: [2, 2], format: "rgba8unorm", usage });
       device.queue.copyExternalImageToTexture({ source, flipY: true }, { texture }, [2, 2]);
       const buffer = device.createBuffer({
         size: 512,
         usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ,
       });
       const encoder = device.createCommandEncoder();
       encoder.copyTextureToBuffer({ texture }, { buffer, bytesPerRow: 256 }, [2, 2]);
       device.queue.submit([encoder.finish()]);
       await buffer.mapAsync(GPUMapMode.READ);
       const bytes = new Uint8Array(buffer.getMappedRange());
       console.log(bytes.slice(0, 8).join(" "), "/", bytes.slice(256, 264).join(" "));
     }`,
  );
  await using running = system.run("node", file);
  expect(await running.ended).toBe(0);
  const flipped = "0 0 255 255 255 255 255 255 / 255 0 0 255 0 255 0 255";
  expect(running.output).toEqual(Array.from({ length: 5 }, () => flipped));
});

test("a program saves what its canvas shows", async () => {
  const file = await program(
    "screenshot",
    `const canvas = document.body.appendChild(document.createElement("canvas"));
     const device = await (await navigator.gpu.requestAdapter()).requestDevice();
     const context = canvas.getContext("webgpu");
     context.configure({ device, format: "bgra8unorm", alphaMode: "premultiplied" });
     requestAnimationFrame(() => {
       const encoder = device.createCommandEncoder();
       const view = context.getCurrentTexture().createView();
       const clear = { view, loadOp: "clear", storeOp: "store", clearValue: [1, 0.5, 0, 1] };
       encoder.beginRenderPass({ colorAttachments: [clear] }).end();
       device.queue.submit([encoder.finish()]);
       canvas.toBlob(async (blob) => {
         const page = new OffscreenCanvas(1, 1).getContext("2d");
         page.drawImage(await createImageBitmap(blob), 0, 0);
         console.log(blob.type, ...page.getImageData(0, 0, 1, 1).data);
         process.exit();
       });
     });`,
  );
  await using running = system.run("node", file);
  expect(await running.ended).toBe(0);
  expect(running.output).toEqual(["image/png 255 128 0 255"]);
});

describe("as a shell runs a program", () => {
  test.for([
    { how: "ends with 0", source: "", code: 0 },
    { how: "ends with 3", source: "process.exitCode = 3;", code: 3 },
    { how: "throws", source: "throw new Error('no');", code: 1 },
    { how: "is killed", source: "process.kill(process.pid, 'SIGKILL');", code: 137 },
  ])("the exit code of a program that $how is passed on", async ({ how, source, code }) => {
    await using running = system.run("node", await program(how.replaceAll(" ", "-"), source));
    expect(await running.ended).toBe(code);
  });

  test("arguments reach the program as they are", async () => {
    const file = await program("args", "console.log(JSON.stringify(process.argv.slice(2)));");
    await using running = system.run("node", file, "--size", "a b", "--", "*");
    await running.ended;
    expect(running.output).toEqual(['["--size","a b","--","*"]']);
  });

  test.for(["SIGINT", "SIGTERM", "SIGHUP"] as const)("%s reaches the program", async (signal) => {
    const file = await program(
      signal,
      `process.on("${signal}", () => { console.log("heard"); process.exit(7); });
       setInterval(() => {}, 1000);
       console.log("listening");`,
    );
    await using running = system.run("node", file);
    await running.line(/listening/);
    running.signal(signal);
    expect(await running.ended).toBe(7);
    expect(running.output).toContain("heard");
  });
});

describe("what is wrong is said in a sentence", () => {
  test("where there is no relay", async () => {
    const socket = path.join(folder, "nobody.sock");
    await using running = new Running(["run", "--socket", socket, "--", "node", "-e", "0"]);
    expect(await running.ended).toBe(1);
    expect(running.complaints).toEqual([
      `heliograph run: No relay listens at ${socket}: start one with ` +
        '"heliograph relay --gateway URL --token-file FILE", or name its socket with --socket.',
    ]);
  });

  test("where the program is not found", async () => {
    await using running = system.run("no-such-program");
    expect(await running.ended).toBe(1);
    expect(running.complaints.join("\n")).toMatch(
      /^heliograph run: The program no-such-program cannot be started \(.*ENOENT.*\)\.$/,
    );
  });

  test("where the relay hangs up, to the program's standard error, once", async () => {
    const socket = path.join(folder, "rude.sock");
    const relay = createServer((connection) => connection.destroy());
    await new Promise<void>((resolve) => relay.listen(socket, resolve));
    const file = await program("alone", "console.log(await navigator.gpu.requestAdapter());");
    await using running = new Running(["run", "--socket", socket, "--", "node", file]);
    expect(await running.ended).toBe(1);
    expect(running.output).toEqual(["null"]);
    expect(running.complaints).toHaveLength(1);
    expect(running.complaints[0]).toMatch(/^heliograph: .*relay at .* (hung up|failed \(.*\))\.$/);
    relay.close();
  });
});

function count(reports: readonly Readonly<Record<string, number>>[], event: string): number {
  return reports.reduce((sum, report) => sum + (report[event] ?? 0), 0);
}
