import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
} from "zod-openapi";
import { z } from "zod";
import { ProblemDetails } from "#shared/admin/messages.ts";
import { ADMIN_API_PATH } from "#shared/admin/paths.ts";
import { NONE, OPERATIONS, type Operation, SessionName } from "./operations.ts";

/** The admin API's description (OpenAPI 3.1), made of the table that it is served by. */
export function openApiDocument(): object {
  const paths: ZodOpenApiPathsObject = {};
  for (const operation of OPERATIONS) {
    paths[operation.path] = {
      ...paths[operation.path],
      [operation.method]: describe(operation),
    };
  }
  return createDocument({
    openapi: "3.1.0",
    info: {
      title: "Heliograph's admin API",
      version: "1.0.0",
      description:
        'Sees and steers the sessions of one GPU host. Every request needs "Authorization: Bearer" and a token ' +
        'from "heliograph token admin". Errors are problem details (RFC 9457).',
    },
    servers: [{ url: ADMIN_API_PATH }],
    security: [{ admin: [] }],
    paths,
    components: {
      securitySchemes: { admin: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
    },
  });
}

function describe({ id, path, summary, body, answer }: Operation): ZodOpenApiOperationObject {
  const takesNothing = body === NONE;
  return {
    operationId: id,
    summary,
    ...(path.includes("{name}")
      ? { requestParams: { path: z.object({ name: SessionName }) } }
      : {}),
    ...(takesNothing
      ? {}
      : { requestBody: { required: !body.safeParse({}).success, content: json(body) } }),
    responses: {
      ...(answer === NONE
        ? { "204": { description: "Done." } }
        : { "200": { description: "Done.", content: json(answer) } }),
      default: {
        description: "It was not done; the body says why.",
        content: { "application/problem+json": { schema: ProblemDetails } },
      },
    },
  };
}

function json(schema: z.ZodType): { readonly "application/json": { readonly schema: z.ZodType } } {
  return { "application/json": { schema } };
}
