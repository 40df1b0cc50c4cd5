import { existsSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import path from "node:path";
import express, {
  type Express,
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
} from "express";
import helmet from "helmet";
import { Refusal } from "#server/ingress/refusal.ts";
import { ADMIN_API_PATH } from "#shared/admin/paths.ts";
import { GUEST_PATH } from "#shared/link/guest-link.ts";

export type Readiness = { readonly ready: boolean; readonly sentence: string };

export type AppOptions = {
  /** The built viewer: index.html and its assets. */
  readonly viewerFolder: string;
  readonly secure: boolean;
  readonly readiness: () => Readiness;
  /** Throws Refusal where the request's sender asks too often. Absent: nobody does. */
  readonly attempt?: (request: IncomingMessage) => Promise<void>;
  /** Throws Refusal where a WebSocket with the same headers would be refused. Absent: no guests here. */
  readonly checkGuest?: (request: IncomingMessage) => Promise<void>;
  /** Absent: there is no admin here. */
  readonly admin?: {
    readonly api: RequestHandler;
    readonly metrics: RequestHandler;
    /** The built admin page. */
    readonly pageFolder: string;
  };
};

const ADMIN_PAGE_PATH = "/admin";
const NOT_BUILT = 'The viewer is not built: run "npm run build:viewer" on the gateway\'s machine.';
const ADMIN_NOT_BUILT =
  'The admin page is not built: run "npm run build:admin" on the gateway\'s machine.';

/** What browsers, relays and health checks fetch. */
export function createApp(options: AppOptions): Express {
  const { viewerFolder, secure, readiness, attempt, checkGuest, admin } = options;
  const app = express();
  app.disable("x-powered-by");
  app.set("etag", "strong");
  app.use(
    helmet({
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'none'"],
          scriptSrc: ["'self'"],
          styleSrc: ["'self'"],
          imgSrc: ["'self'", "data:"],
          fontSrc: ["'self'"],
          connectSrc: ["'self'"],
          mediaSrc: ["'self'", "blob:", "mediastream:"],
          manifestSrc: ["'self'"],
          baseUri: ["'none'"],
          formAction: ["'none'"],
          frameAncestors: ["'none'"],
        },
      },
      referrerPolicy: { policy: "no-referrer" },
      // Without TLS the header is ignored, and a browser that kept it from a proxy would be locked out.
      strictTransportSecurity: secure,
    }),
  );
  if (attempt !== undefined) {
    app.use((request: Request, response: Response, next: NextFunction) => {
      void passOn(attempt(request), response, next);
    });
  }
  app.get("/healthz", (_request: Request, response: Response) => {
    response.type("text/plain").send("The gateway runs.\n");
  });
  app.get("/readyz", (_request: Request, response: Response) => {
    const { ready, sentence } = readiness();
    response
      .status(ready ? 200 : 503)
      .type("text/plain")
      .send(`${sentence}\n`);
  });
  // A relay asks here at its start whether its token and version are right, before any program runs.
  if (checkGuest !== undefined) {
    app.get(GUEST_PATH, (request: Request, response: Response) => {
      void answerCheck(checkGuest(request), response);
    });
  }
  if (admin !== undefined) {
    app.get("/metrics", admin.metrics);
    app.use(ADMIN_API_PATH, admin.api);
    app.get(ADMIN_PAGE_PATH, (request: Request, response: Response, next) => {
      if (request.path.endsWith("/")) next();
      else response.redirect(301, `${ADMIN_PAGE_PATH}/`);
    });
    app.use(ADMIN_PAGE_PATH, builtPage(admin.pageFolder));
  }
  app.use(builtPage(viewerFolder));
  app.use((request: Request, response: Response) => {
    const isMissing = (at: string, folder: string): boolean =>
      request.path === at && !existsSync(path.join(folder, "index.html"));
    let missing: string | undefined;
    if (isMissing("/", viewerFolder)) missing = NOT_BUILT;
    if (admin !== undefined && isMissing(`${ADMIN_PAGE_PATH}/`, admin.pageFolder)) {
      missing = ADMIN_NOT_BUILT;
    }
    response
      .status(missing === undefined ? 404 : 503)
      .type("text/plain")
      .send(`${missing ?? "There is nothing at this address."}\n`);
  });
  app.use(answerFailure);
  return app;
}

/** What Express can't make sense of, a broken escape in a path for one: its own answer would show a stack. */
function answerFailure(
  error: unknown,
  _request: Request,
  response: Response,
  next: NextFunction,
): void {
  if (response.headersSent) {
    next(error); // Ends the connection.
    return;
  }
  const asked = error instanceof Error && "status" in error ? Number(error.status) : 500;
  const isTheirs = asked >= 400 && asked < 500;
  const sentence = isTheirs
    ? "The gateway does not understand the request."
    : "The gateway failed to answer.";
  response
    .status(isTheirs ? asked : 500)
    .type("text/plain")
    .send(`${sentence}\n`);
}

function builtPage(folder: string): RequestHandler {
  return express.static(folder, {
    index: "index.html",
    redirect: false,
    setHeaders: (response, file) => {
      // Assets have their content's hash in the name; the page that names them does not.
      const lasting = path.dirname(file) !== path.resolve(folder);
      response.setHeader(
        "Cache-Control",
        lasting ? "public, max-age=31536000, immutable" : "no-cache",
      );
    },
  });
}

async function answerCheck(check: Promise<void>, response: Response): Promise<void> {
  try {
    await check;
    response.status(204).end();
  } catch (error) {
    answerRefusal(error, response);
  }
}

async function passOn(
  attempt: Promise<void>,
  response: Response,
  next: NextFunction,
): Promise<void> {
  try {
    await attempt;
  } catch (error) {
    answerRefusal(error, response);
    return;
  }
  next();
}

function answerRefusal(error: unknown, response: Response): void {
  const { status, headers, message } =
    error instanceof Refusal ? error : new Refusal(500, "The gateway failed to check the request.");
  response.status(status).set(headers).type("text/plain").send(`${message}\n`);
}
