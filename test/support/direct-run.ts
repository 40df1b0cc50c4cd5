import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { InputEvent } from "#shared/input/events.ts";
import type { Pixels } from "#client/run/paint.ts";
import type { FromDirect, ToDirect } from "./direct-preload.ts";

export type DirectRunOptions = {
  readonly size?: { readonly width: number; readonly height: number };
  readonly frameRate?: number;
};

/** A sample program running on Dawn directly, in a process of its own. */
export type DirectRun = {
  input(event: InputEvent): void;
  /** Resolves with the frames' times in milliseconds, once `count` more have been drawn. */
  frames(count: number): Promise<number[]>;
  capture(): Promise<Pixels>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** Starts `program` (a path) under Dawn; the environment must be one in which Dawn finds an adapter. */
export function runDirect(program: string, options: DirectRunOptions = {}): DirectRun {
  const { size = { width: 640, height: 360 }, frameRate = 30 } = options;
  const child = fork(program, {
    execArgv: ["--import", fileURLToPath(new URL("direct-preload.ts", import.meta.url))],
    serialization: "advanced",
    env: {
      ...process.env,
      DIRECT_SIZE: `${size.width}x${size.height}`,
      DIRECT_FRAME_RATE: String(frameRate),
    },
  });
  const tell = (message: ToDirect): void => void child.send(message);

  function next<T>(pick: (message: FromDirect) => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const ended = (code: number | null): void => {
        reject(new Error(`${program} ended with ${code} before it answered.`));
      };
      const heard = (message: FromDirect): void => {
        const picked = pick(message);
        if (picked === undefined) return;
        child.off("message", heard);
        child.off("exit", ended);
        resolve(picked);
      };
      child.on("message", heard);
      child.once("exit", ended);
    });
  }

  return {
    input: (event) => tell({ type: "input", event }),
    frames(count) {
      const times: number[] = [];
      return next((message) => {
        if (message.type === "frame") times.push(message.milliseconds);
        return times.length >= count ? times : undefined;
      });
    },
    capture() {
      const picture = next((message) => (message.type === "picture" ? message.picture : undefined));
      tell({ type: "capture" });
      return picture;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}
