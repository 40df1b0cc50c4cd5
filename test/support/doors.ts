import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { io, type Socket as PageSocket } from "socket.io-client";
import { SIGNALING_PATH, VIEWER_NAMESPACE } from "#shared/signaling/messages.ts";
import { ScriptedGuest } from "./scripted-guest.ts";

// Ways to come to a gateway's doors, each telling the answer: "let in", or the refusal.

/** The upgrade of /guest: status and sentence of the refusal. */
export async function guestUpgradeAt(url: string, token: string): Promise<string> {
  try {
    const program = await ScriptedGuest.open({ url, token });
    await program[Symbol.asyncDispose]();
    return "let in";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** A page in the viewers' namespace, or another: the sentence of the refusal. */
export async function pageAt(url: string, token: string, namespace?: string): Promise<string> {
  const socket = dial(url, { auth: { token }, ...(namespace === undefined ? {} : { namespace }) });
  try {
    return await answerTo(socket);
  } finally {
    socket.disconnect();
  }
}

type DialOptions = {
  readonly auth?: object;
  readonly namespace?: string;
  readonly headers?: Record<string, string>;
};

export function dial(url: string, options: DialOptions): PageSocket {
  return io(`${url}${options.namespace ?? VIEWER_NAMESPACE}`, {
    path: SIGNALING_PATH,
    auth: options.auth ?? {},
    extraHeaders: options.headers ?? {},
    transports: ["websocket"],
    reconnection: false,
    forceNew: true,
  });
}

/** "let in" with a viewer's or an admin page's first word, or the sentence of the refusal. */
export async function answerTo(socket: PageSocket): Promise<string> {
  return new Promise((resolve) => {
    socket.once("session", () => resolve("let in"));
    socket.once("news", () => resolve("let in"));
    socket.once("connect_error", (error) => resolve(error.message));
    socket.once("refused", (sentence: string) => resolve(sentence));
    socket.once("busy", (sentence: string) => resolve(sentence));
  });
}

/** A WebSocket's handshake, as it goes over the wire. */
export function upgradeOf(url: string, path: string, header = "X-None: none"): string {
  return (
    `GET ${path}/?EIO=4&transport=websocket HTTP/1.1\r\nHost: ${new URL(url).host}\r\n` +
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
    `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${header}\r\n\r\n`
  );
}

export function open(url: string, localAddress = "127.0.0.1"): Socket {
  const { port } = new URL(url);
  const socket = connect({ port: Number(port), host: "127.0.0.1", localAddress });
  socket.on("error", () => {});
  return socket;
}

/** Resolves with all that the gateway answers before it closes. */
export async function sendRaw(url: string, request: string): Promise<string> {
  const socket = open(url);
  socket.setEncoding("utf8");
  let answer = "";
  socket.on("data", (text: string) => {
    answer += text;
  });
  socket.write(request);
  await once(socket, "close");
  return answer;
}
