import { STATUS_CODES } from "node:http";
import type { z } from "zod";
import type { ProblemDetails } from "#shared/admin/messages.ts";

/** Why an admin's request was not done: an HTTP status and a sentence. */
export class Problem extends Error {
  override name = "Problem" as const;
  readonly status: number;

  constructor(status: number, sentence: string, options?: ErrorOptions) {
    super(sentence, options);
    this.status = status;
  }
}

export function problemDetails(status: number, detail: string): ProblemDetails {
  return { type: "about:blank", title: STATUS_CODES[status] ?? "Error", status, detail };
}

/** What is wrong with a request's part, field by field. */
export function describeIssues(part: string, error: z.ZodError): string {
  const wrongs = error.issues.map(({ path, message }) => {
    const field = path.map(String).join(".");
    return field === "" ? message : `${field}: ${message}`;
  });
  return `The ${part} is not as /api/admin/openapi.json says: ${wrongs.join("; ")}.`;
}
