import { readFile } from "node:fs/promises";
import path from "node:path";

const FOLDER = path.join(import.meta.dirname, "..", "vectors");

/** Which way bytes go: `up` from a program to its worker. */
type Way = "up" | "down";

type WireVector = {
  /** As the document shows it. */
  readonly text: string;
  /** The bytes of each run of one way, in order. */
  readonly parts: readonly { readonly way: Way; readonly bytes: Uint8Array }[];
};

/**
 * Reads a vector of the wire: lines that begin with bytes in hex, each followed by what they mean, and lines `up` and
 * `down` that say which way the bytes after them go. The first go up.
 */
export async function readWireVector(name: string): Promise<WireVector> {
  const text = await readFile(path.join(FOLDER, name), "utf8");
  const parts: { readonly way: Way; bytes: Buffer }[] = [];
  let way: Way = "up";
  for (const line of text.split("\n")) {
    if (line === "up" || line === "down") way = line;
    const hex = /^(?:[\da-f]{2} )*[\da-f]{2}(?= |$)/.exec(line)?.[0];
    if (hex === undefined) continue;
    if (parts.at(-1)?.way !== way) parts.push({ way, bytes: Buffer.alloc(0) });
    const part = parts.at(-1)!;
    part.bytes = Buffer.concat([part.bytes, Buffer.from(hex.replaceAll(" ", ""), "hex")]);
  }
  return { text: text.trimEnd(), parts };
}
