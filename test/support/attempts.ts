import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createSocket } from "node:dgram";
import { connect } from "node:net";

/** What a worker that its guest has taken over may try. */
export type Attempt =
  | { readonly does: "connect"; readonly port: number }
  | { readonly does: "sendDatagram"; readonly port: number }
  | { readonly does: "dial"; readonly socket: string }
  | { readonly does: "read"; readonly file: string }
  | { readonly does: "list"; readonly folder: string }
  | { readonly does: "write"; readonly file: string; readonly bytes: number }
  | { readonly does: "leave"; readonly file: string }
  | { readonly does: "signal"; readonly pid: number }
  | { readonly does: "run"; readonly program: string }
  | { readonly does: "takeMemory"; readonly bytes: number }
  | { readonly does: "haveMany"; readonly count: number }
  | { readonly does: "startMany"; readonly count: number }
  | { readonly does: "gainPrivileges" };

/** "done", or the error's code. */
export async function make(attempt: Attempt): Promise<string> {
  try {
    await act(attempt);
    return "done";
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}

async function act(attempt: Attempt): Promise<void> {
  switch (attempt.does) {
    case "connect": {
      const socket = connect(attempt.port, "127.0.0.1");
      await once(socket, "connect");
      socket.destroy();
      return;
    }
    case "sendDatagram": {
      // Who listens answers; where nobody does, the kernel refuses.
      const socket = createSocket("udp4");
      try {
        socket.connect(attempt.port, "127.0.0.1");
        await once(socket, "connect");
        socket.send("hello");
        await once(socket, "message");
      } finally {
        socket.close();
      }
      return;
    }
    case "dial": {
      const socket = connect(attempt.socket);
      await once(socket, "connect");
      socket.destroy();
      return;
    }
    case "read":
      readFileSync(attempt.file);
      return;
    case "list":
      readdirSync(attempt.folder);
      return;
    case "write":
      writeFileSync(attempt.file, Buffer.alloc(attempt.bytes, 1));
      rmSync(attempt.file);
      return;
    case "leave":
      writeFileSync(attempt.file, "left");
      return;
    case "signal":
      process.kill(attempt.pid, 0); // Asks only whether it might.
      return;
    case "run":
      execFileSync(attempt.program);
      return;
    case "startMany":
      // Once the worker has spoken: its gateway may end it for this at any time.
      setImmediate(() => {
        for (let count = 0; count < attempt.count; count++) spawn("/usr/bin/sleep", ["1000"]);
      });
      return;
    case "takeMemory":
      Buffer.alloc(attempt.bytes, 1);
      return;
    case "haveMany":
      for (let count = 0; count < attempt.count; count++) {
        await once(spawn("/usr/bin/sleep", ["1000"]), "spawn");
      }
      return;
    case "gainPrivileges":
      if (/^NoNewPrivs:\s+1$/m.test(readFileSync("/proc/self/status", "utf8"))) {
        throw new Error("No new privileges.");
      }
      return;
    default:
      attempt satisfies never;
  }
}
