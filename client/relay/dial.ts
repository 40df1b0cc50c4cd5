import { type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { WebSocket } from "ws";
import { printable } from "#shared/base/printable.ts";
import { formatResume, RESUME_HEADER, type ResumeRequest } from "#shared/link/control.ts";
import { MAX_DOWN_MESSAGE_BYTES, RESUMABLE_SUBPROTOCOL } from "#shared/link/guest-link.ts";
import { GatewayError, RelayError } from "./errors.ts";
import type { GatewayAddress } from "./gateway-address.ts";
import type { TokenSource } from "./token.ts";

/** The gateway may start a GPU worker before it answers. */
const HANDSHAKE_TIMEOUT_MS = 45_000;
/** A link is resumed at once or not at all, and a network may swallow the attempt. */
const RESUME_TIMEOUT_MS = 5_000;
/** A refusal's sentence. Bounds what a stranger at the gateway's address makes the relay hold. */
export const MAX_SENTENCE_CHARACTERS = 2048;
/** Refusals that the next attempt meets again: token, role, version, address, a link that can't be resumed. */
const LASTING_STATUS = new Set([400, 401, 403, 404, 409, 416, 426]);

export type DialOptions = {
  /** The link to go on with; absent: a new one. */
  readonly resume?: ResumeRequest;
  /** The WebSocket is no longer wanted. */
  readonly signal?: AbortSignal;
};

/** Opens one program's WebSocket; the caller owns it. Throws GatewayError or RelayError. */
export async function dialGateway(
  address: GatewayAddress,
  token: TokenSource,
  { resume, signal }: DialOptions = {},
): Promise<WebSocket> {
  const headers = {
    ...(await authorization(token)),
    ...(resume === undefined ? {} : { [RESUME_HEADER]: formatResume(resume) }),
  };
  const ws = new WebSocket(address.webSocket, RESUMABLE_SUBPROTOCOL, {
    headers,
    perMessageDeflate: false,
    maxPayload: MAX_DOWN_MESSAGE_BYTES,
    handshakeTimeout: resume === undefined ? HANDSHAKE_TIMEOUT_MS : RESUME_TIMEOUT_MS,
  });
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) => reject(awayError(address, cause));
    const abort = () => ws.terminate();
    signal?.addEventListener("abort", abort, { once: true });
    ws.once("close", () => signal?.removeEventListener("abort", abort));
    ws.once("error", fail);
    ws.once("open", () => {
      signal?.removeEventListener("abort", abort);
      ws.off("error", fail);
      ws.pause(); // Until the caller listens, so that no frame is lost.
      resolve(ws);
    });
    ws.once("unexpected-response", (request, response: IncomingMessage) => {
      ws.off("error", fail);
      ws.on("error", () => {}); // Ending the request below is told as an error, too.
      readRefusal(response).then(reject, reject);
      response.once("close", () => request.destroy());
    });
  });
}

/** Asks whether the gateway would take this token and version. Throws GatewayError or RelayError. */
export async function checkGateway(address: GatewayAddress, token: TokenSource): Promise<void> {
  const headers = {
    ...(await authorization(token)),
    "Sec-WebSocket-Protocol": RESUMABLE_SUBPROTOCOL,
  };
  const request = address.check.protocol === "https:" ? httpsRequest : httpRequest;
  const signal = AbortSignal.timeout(HANDSHAKE_TIMEOUT_MS);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(address.check, { headers, signal })
      .once("response", resolve)
      .once("error", (cause) => reject(awayError(address, cause)))
      .end();
  });
  if (response.statusCode === 204) response.resume();
  else throw await readRefusal(response);
}

async function authorization(token: TokenSource): Promise<{ readonly Authorization: string }> {
  return { Authorization: `Bearer ${await token()}` };
}

async function readRefusal(response: IncomingMessage): Promise<GatewayError> {
  const status = response.statusCode ?? 0;
  let sentence = "";
  response.setEncoding("utf8");
  try {
    for await (const text of response) {
      sentence += String(text);
      if (sentence.length > MAX_SENTENCE_CHARACTERS) break;
    }
  } catch {
    // The connection broke amid the sentence: its beginning is better than nothing.
  }
  const words = printable(sentence.slice(0, MAX_SENTENCE_CHARACTERS)).trim();
  const isText = response.headers["content-type"]?.startsWith("text/plain") === true;
  const said = isText && words !== "" ? words : "what answers there is no Heliograph gateway.";
  return new GatewayError(`The gateway refuses (${status}): ${said}`, LASTING_STATUS.has(status));
}

function awayError(address: GatewayAddress, cause: Error): GatewayError {
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : cause.message;
  const { host } = address.webSocket;
  if (/CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ERR_TLS/.test(code)) {
    return new GatewayError(
      `The certificate of the gateway at ${host} is not trusted (${code}): name its authority's PEM file ` +
        "in NODE_EXTRA_CA_CERTS, or give the gateway a certificate for that name.",
      true,
      { cause },
    );
  }
  if (code === "EPROTO" || code === "ERR_SSL_WRONG_VERSION_NUMBER") {
    return new GatewayError(
      `The gateway at ${host} does not speak TLS: write http:// if that is meant.`,
      true,
      { cause },
    );
  }
  return new GatewayError(`The gateway at ${host} does not answer (${code}).`, false, { cause });
}

export function isLasting(error: unknown): boolean {
  return error instanceof RelayError || (error instanceof GatewayError && error.lasting);
}
