import type { IncomingMessage } from "node:http";
import express, { type Express, type Request, type Response, Router } from "express";
import type { Admin } from "#server/auth/tokens.ts";
import { Refusal } from "#server/ingress/refusal.ts";
import type { Events } from "#server/observe/events.ts";
import { ADMIN_API_PATH } from "#shared/admin/paths.ts";
import { openApiDocument } from "./openapi.ts";
import { type AdminContext, NONE, OPERATIONS, type Operation } from "./operations.ts";
import { Problem, problemDetails } from "./problem.ts";

/** A request's body. Bounds what is read before it is checked; the largest that is right has about 2 KB. */
export const MAX_BODY_BYTES = 8 * 1024;

export type AdminApiOptions = {
  /** Throws Refusal where nobody of the host's asks. */
  readonly door: {
    readonly admitRequest: (request: IncomingMessage) => Promise<Pick<Admin, "tokenId">>;
  };
  readonly context: AdminContext;
  readonly events: Events;
};

/** Serves the table of operations, and the document that describes it. */
export function adminApi(options: AdminApiOptions): Router {
  const router = operationsRouter(options, OPERATIONS);
  const document = openApiDocument();
  router.get("/openapi.json", (_request: Request, response: Response) => {
    response.json(document);
  });
  router.use((request: Request, response: Response) => {
    const sentence = `The admin API has no ${request.method} ${request.path}; /api/admin/openapi.json says what it has.`;
    sendProblem(response, 404, sentence);
  });
  return router;
}

/** What the log calls who asks by the host's socket. */
const HOST = { tokenId: "host" };

/** Serves what the host's own commands ask for by the socket in the state folder, which lets in nobody else. */
export function hostApi({ context, events }: Omit<AdminApiOptions, "door">): Express {
  const door = { admitRequest: () => Promise.resolve(HOST) };
  const asked = OPERATIONS.filter(({ id }) => id === "recordSession");
  const app = express();
  app.disable("x-powered-by");
  app.use(ADMIN_API_PATH, operationsRouter({ door, context, events }, asked));
  app.use((request: Request, response: Response) => {
    sendProblem(response, 404, `The host's socket has no ${request.method} ${request.path}.`);
  });
  return app;
}

function operationsRouter(options: AdminApiOptions, operations: readonly Operation[]): Router {
  const router = Router();
  router.use((_request, response, next) => {
    response.set("Cache-Control", "no-store");
    next();
  });
  for (const operation of operations) {
    const path = operation.path.replace("{name}", ":name");
    router[operation.method](path, (request: Request, response: Response) => {
      void answer(options, operation, request, response);
    });
  }
  return router;
}

async function answer(
  { door, context, events }: AdminApiOptions,
  operation: Operation,
  request: Request,
  response: Response,
): Promise<void> {
  const name = String(request.params["name"] ?? "");
  let tokenId: string | undefined;
  let body: unknown;
  const audit = (status: number, result: string): void => {
    if (tokenId === undefined || !operation.isAct) return;
    events.adminActed({ tokenId, act: operation.id, session: name, body, status, result });
  };
  try {
    ({ tokenId } = await door.admitRequest(request));
    body = await readBody(operation, request, response);
    const result = await operation.run(context, { name, body });
    const status = operation.answer === NONE ? 204 : 200;
    audit(status, "Done.");
    if (operation.answer === NONE) response.status(status).end();
    else response.status(status).json(result);
  } catch (error) {
    const { status, headers, message } = refusalFor(error);
    if (status === 500) events.fault(`The admin API failed in ${operation.id}.`, error);
    // Of a flood, the doors tell once.
    if (tokenId === undefined && status !== 429) {
      events.adminRefused(status, message, request.socket.remoteAddress ?? "unknown");
    }
    audit(status, message);
    sendProblem(response.set(headers), status, message);
  }
}

const parseJson = express.json({ limit: MAX_BODY_BYTES, inflate: false });

/** An operation that takes a body takes none for an empty one. Throws Problem. */
async function readBody(
  operation: Operation,
  request: Request,
  response: Response,
): Promise<unknown> {
  const isEmpty =
    request.headers["transfer-encoding"] === undefined &&
    (request.headers["content-length"] ?? "0") === "0";
  if (isEmpty) return operation.body === NONE ? undefined : {};
  if (request.is("json") === false) {
    throw new Problem(415, 'The body is not JSON: send "Content-Type: application/json".');
  }
  await new Promise<void>((resolve, reject) => {
    parseJson(request, response, (error?: unknown) => {
      if (error === undefined) resolve();
      else reject(bodyProblem(error));
    });
  });
  const body: unknown = request.body;
  return body;
}

function bodyProblem(error: unknown): Problem {
  const status = error instanceof Error && "status" in error ? Number(error.status) : 400;
  if (status === 413) {
    return new Problem(413, `The body is over the limit (${MAX_BODY_BYTES} bytes).`);
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new Problem(status, `The body can't be read: ${reason}.`, { cause: error });
}

function refusalFor(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof Problem) return new Refusal(error.status, error.message);
  return new Refusal(500, "The gateway failed to do it; its log says why.");
}

function sendProblem(response: Response, status: number, sentence: string): void {
  response.status(status).type("application/problem+json");
  response.send(JSON.stringify(problemDetails(status, sentence)));
}
