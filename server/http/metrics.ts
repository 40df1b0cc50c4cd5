import type { IncomingMessage } from "node:http";
import type { Request, RequestHandler, Response } from "express";
import { type Config, isLoopback } from "#server/config/config.ts";
import { Refusal } from "#server/ingress/refusal.ts";

export type MetricsRouteOptions = {
  readonly access: Config["metrics"];
  /** Throws Refusal unless the request has an admin's token. */
  readonly admit: (request: IncomingMessage) => Promise<unknown>;
  readonly contentType: string;
  readonly text: () => Promise<string>;
};

/** `GET /metrics`, for those who may read it. */
export function metricsRoute(options: MetricsRouteOptions): RequestHandler {
  return (request, response, next) => {
    if (options.access === "off") next();
    else void answer(options, request, response);
  };
}

async function answer(
  { access, admit, contentType, text }: MetricsRouteOptions,
  request: Request,
  response: Response,
): Promise<void> {
  try {
    if (access === "token" || !isOfThisMachine(request)) await admit(request);
    response.set("Content-Type", contentType).send(await text());
  } catch (error) {
    const { status, headers, message } =
      error instanceof Refusal
        ? error
        : new Refusal(500, "The gateway failed to read its metrics.");
    response.status(status).set(headers).type("text/plain").send(`${message}\n`);
  }
}

/**
 * A program on this machine asks for itself: not a proxy for others, which says so, nor a page whose name was
 * made to mean this machine (DNS rebinding), which names itself as the host.
 */
function isOfThisMachine(request: Request): boolean {
  const { headers, socket, hostname } = request;
  const isProxied = headers["x-forwarded-for"] !== undefined || headers.forwarded !== undefined;
  const address = (socket.remoteAddress ?? "").replace(/^::ffff:/, "");
  const host = (hostname ?? "").replace(/^\[(.*)\]$/, "$1");
  return !isProxied && isLoopback(address) && isLoopback(host);
}
