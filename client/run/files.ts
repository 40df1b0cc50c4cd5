import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

type RequestInput = ConstructorParameters<typeof Request>[0];

/**
 * `Request` and `fetch` as a page has them: a relative URL is meant from `base` (the program's own
 * folder), and what lies beside the program can be fetched although it is a file.
 */
export function createFileFetch(base: URL): {
  readonly Request: typeof Request;
  readonly fetch: typeof fetch;
} {
  const NodeRequest = globalThis.Request;
  const nodeFetch = globalThis.fetch;

  class PageRequest extends NodeRequest {
    constructor(input: RequestInput, init?: RequestInit) {
      super(input instanceof NodeRequest ? input : new URL(String(input), base), init);
    }
  }

  async function pageFetch(input: RequestInput, init?: RequestInit): Promise<Response> {
    const url = input instanceof NodeRequest ? input.url : new URL(String(input), base).href;
    if (!url.startsWith("file:"))
      return nodeFetch(input instanceof NodeRequest ? input : url, init);
    try {
      const bytes = await readFile(fileURLToPath(url));
      return new Response(bytes, { headers: { "content-type": contentType(url) } });
    } catch (cause) {
      throw new TypeError(`The file ${url} cannot be read.`, { cause });
    }
  }

  return { Request: PageRequest, fetch: pageFetch };
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  avif: "image/avif",
  bin: "application/octet-stream",
  css: "text/css",
  gif: "image/gif",
  glb: "model/gltf-binary",
  gltf: "model/gltf+json",
  html: "text/html",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  js: "text/javascript",
  json: "application/json",
  png: "image/png",
  svg: "image/svg+xml",
  txt: "text/plain",
  wasm: "application/wasm",
  webp: "image/webp",
  wgsl: "text/wgsl",
};

function contentType(url: string): string {
  const extension = /\.(\w+)(?:[?#]|$)/.exec(url)?.[1] ?? "";
  return CONTENT_TYPES[extension.toLowerCase()] ?? "application/octet-stream";
}
