import { expect, test } from "vitest";
import { WorkerMessages } from "#server/session/control-channel.ts";
import { encodeControl } from "#server/worker/control-frames.ts";
import { endReason, MAX_REASON_LENGTH } from "#server/worker/end-reason.ts";
import type { ToGateway } from "#server/worker/messages.ts";
import { ProtocolError } from "#shared/wire/errors.ts";

const LOST = "The connection to the program is lost: Error: ";

test.for<{ what: string; prefix: string; cause: (rest: string) => Error }>([
  { what: "a breach of the protocol", prefix: "", cause: (rest) => new ProtocolError(rest) },
  { what: "a socket's error", prefix: LOST, cause: (rest) => new Error(rest) },
])("$what is told in as many characters as the limit, and not one more", ({ prefix, cause }) => {
  const most = "x".repeat(MAX_REASON_LENGTH - prefix.length);
  for (const rest of ["x", most]) expect(endReason(cause(rest))).toBe(prefix + rest);
  expect(endReason(cause(`${most}y`))).toBe(prefix + most);
});

test("the longest reason is one that the gateway takes", () => {
  const reason = "\u{0}".repeat(MAX_REASON_LENGTH);
  const ended: ToGateway = { type: "connectionEnded", connection: 1, reason };
  expect([...new WorkerMessages().push(encodeControl(ended))]).toEqual([ended]);
});
