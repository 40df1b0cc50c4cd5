import { pathToFileURL } from "node:url";
import type { InputEvent } from "#shared/input/events.ts";
import type { Pixels } from "#client/run/paint.ts";
import { installDirect } from "./direct.ts";

// Runs an unmodified program on Dawn directly: `node --import test/support/direct-preload.ts app.js`.
// A parent that has an IPC channel to it may send input and ask for the picture.

export type ToDirect =
  | { readonly type: "input"; readonly event: InputEvent }
  | { readonly type: "capture" }
  | { readonly type: "exit" };

export type FromDirect =
  | { readonly type: "frame"; readonly frame: number; readonly milliseconds: number }
  | { readonly type: "picture"; readonly picture: Pixels };

const { DIRECT_SIZE = "640x360", DIRECT_FRAME_RATE = "30", DIRECT_DAWN = "" } = process.env;
const [width = 640, height = 360] = DIRECT_SIZE.split("x").map(Number);

function tell(message: FromDirect): void {
  process.send?.(message);
}

const direct = await installDirect({
  size: { width, height, devicePixelRatio: 1 },
  base: pathToFileURL(process.argv[1] ?? `${process.cwd()}/`),
  frameRate: Number(DIRECT_FRAME_RATE),
  dawn: DIRECT_DAWN === "" ? [] : DIRECT_DAWN.split(","),
  onFrame: (frame, milliseconds) => tell({ type: "frame", frame, milliseconds }),
});

process.on("message", (message: ToDirect) => {
  switch (message.type) {
    case "input":
      direct.input(message.event);
      break;
    case "capture":
      void direct.capture().then((picture) => tell({ type: "picture", picture }));
      break;
    case "exit":
      process.exit(0);
  }
});
process.channel?.unref();
