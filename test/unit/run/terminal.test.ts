import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { guestEnvironment } from "#client/run/env.ts";
import { DownFrame, frame } from "#shared/wire/frames.ts";

const PRELOAD = new URL("../../../client/run/preload.ts", import.meta.url);

/** Standard error of a program whose relay says this and hangs up. */
async function stderrAfter(goodbye: string): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "heliograph-terminal-"));
  const socket = path.join(folder, "relay.sock");
  const program = path.join(folder, "program.mjs");
  await writeFile(program, "await navigator.gpu.requestAdapter();");
  const relay = createServer((guest) => guest.end(frame(DownFrame.goodbye, Buffer.from(goodbye))));
  try {
    await new Promise<void>((resolve) => void relay.listen(socket, resolve));
    const size = { width: 64, height: 64, devicePixelRatio: 1 };
    const env = guestEnvironment({ socket, size }, PRELOAD);
    return await new Promise((resolve) => {
      execFile(process.execPath, [program], { env }, (_error, _stdout, stderr) => resolve(stderr));
    });
  } finally {
    relay.close();
    await rm(folder, { recursive: true });
  }
}

test.for([
  { what: "its words", goodbye: "The gateway is stopping.", shown: "The gateway is stopping." },
  {
    what: "no window title, clipboard or line of its own",
    goodbye: "a\u001B]0;mine\u0007b\u001B]52;c;cm0=\u0007c\nheliograph: d",
    shown: "a ]0;mine b ]52;c;cm0= c\n    heliograph: d",
  },
])("a gateway's goodbye puts $what on the guest's terminal", async ({ goodbye, shown }) => {
  expect(await stderrAfter(goodbye)).toBe(`heliograph: ${shown}\n`);
});
