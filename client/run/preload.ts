import path from "node:path";
import { pathToFileURL } from "node:url";
import { isMainThread } from "node:worker_threads";
import { connectGuest } from "#client/guest/index.ts";
import { connectUnix } from "#client/guest/node/unix-transport.ts";
import { printableLines } from "#shared/base/printable.ts";
import { cssSize, installDom } from "./dom.ts";
import { readRunEnvironment } from "./env.ts";
import { writeLost } from "./lost-file.ts";

// Loaded by Node before the program itself (`--import`): makes the process a page on the host's GPU.

/** Programs that only start other programs, which then load this themselves. */
const LAUNCHER = /^(?:npm|npx|pnpm|pnpx|yarn|corepack)(?:-cli)?(?:\.[cm]?js)?$/;

const program = process.argv[1];
if (isMainThread && !LAUNCHER.test(path.basename(program ?? ""))) becomePage();

function becomePage(): void {
  const { socket, size, lostFile } = readRunEnvironment();
  const guest = connectGuest({
    connect: () => connectUnix(socket),
    client: path.basename(program ?? "node"),
    // It may quote the program, the gateway or who poses as one.
    report: (text) => void process.stderr.write(`heliograph: ${printableLines(text)}\n`),
  });
  // A page with a picture stays until somebody closes it, even when it draws nothing of its own accord.
  let picture: NodeJS.Timeout | undefined;
  const dom = installDom({
    gpu: guest.gpu,
    installGPUGlobals: (target) => guest.installGlobals(target),
    createCanvasContext: (canvas, isVisible) => {
      picture ??= setInterval(() => {}, 2 ** 30);
      return guest.createCanvasContext(canvas, isVisible);
    },
    readCanvas: (context) => guest.readCanvas(context),
    requestAnimationFrame: (callback) => guest.requestAnimationFrame(callback),
    cancelAnimationFrame: (handle) => guest.cancelAnimationFrame(handle),
    size,
    base: program === undefined ? pathToFileURL(`${process.cwd()}/`) : pathToFileURL(program),
  });
  guest.onInput((event) => dom.input(event));
  guest.onResize((wish) => dom.resize(cssSize(wish)));
  void (async () => {
    const sentence = await guest.closed;
    if (lostFile !== undefined) writeLost(lostFile, sentence);
    process.exitCode ??= 1;
    clearInterval(picture);
  })();
}
