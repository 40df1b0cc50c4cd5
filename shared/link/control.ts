import { ProtocolError } from "#shared/wire/errors.ts";

// The text messages of a resumable link, and the request header that resumes one. All are words and
// decimal numbers with single spaces between.
//
//   link ID MILLISECONDS   down, first on a new link: what resumes it, and for how long after a break
//   resume COUNT           down, first on a resumed link: the up bytes that the gateway has
//   ack COUNT              both ways: bytes that went on to the worker or the program, from the beginning
//
// Counts are of binary messages' payloads alone, over all WebSockets of the link.

/** The request header that asks for a link to be resumed: "ID ATTEMPT COUNT". */
export const RESUME_HEADER = "heliograph-resume";

/** Random bytes of a link's id. Whoever knows it and has a token of its session can take the link over. */
export const LINK_ID_BYTES = 32;
const LINK_ID = "[A-Za-z0-9_-]{43}";
const COUNT = "0|[1-9]\\d{0,15}";

/** The longest control message, in UTF-16 units. Bounds the work of telling what is none. */
export const MAX_CONTROL_LENGTH = 80;

/** A gateway keeps a broken link for this long at most, in milliseconds. Bounds what a relay believes. */
export const MAX_RESUME_MS = 300_000;

export type ControlMessage =
  | { readonly type: "link"; readonly id: string; readonly resumeMs: number }
  | { readonly type: "resume"; readonly count: number }
  | { readonly type: "ack"; readonly count: number };

const MESSAGE = new RegExp(
  `^(?:link (?<id>${LINK_ID}) (?<resumeMs>${COUNT})|(?<type>resume|ack) (?<count>${COUNT}))$`,
);

export function formatControl(message: ControlMessage): string {
  return message.type === "link"
    ? `link ${message.id} ${message.resumeMs}`
    : `${message.type} ${message.count}`;
}

/** Throws ProtocolError. */
export function parseControl(text: string): ControlMessage {
  if (text.length > MAX_CONTROL_LENGTH) {
    throw new ProtocolError(
      `A control message (${text.length} characters) is over the limit (${MAX_CONTROL_LENGTH}).`,
    );
  }
  const { id, resumeMs, type, count } = MESSAGE.exec(text)?.groups ?? {};
  if (id !== undefined && Number(resumeMs) <= MAX_RESUME_MS) {
    return { type: "link", id, resumeMs: Number(resumeMs) };
  }
  if ((type === "resume" || type === "ack") && Number.isSafeInteger(Number(count))) {
    return { type, count: Number(count) };
  }
  throw new ProtocolError(`The text message ${JSON.stringify(text)} is none of the link's.`);
}

export type ResumeRequest = {
  readonly id: string;
  /** Rises with each request for the link, so that one that was delayed or copied changes nothing. */
  readonly attempt: number;
  /** The down bytes that the relay has. */
  readonly received: number;
};

const REQUEST = new RegExp(`^(?<id>${LINK_ID}) (?<attempt>${COUNT}) (?<received>${COUNT})$`);

export function formatResume({ id, attempt, received }: ResumeRequest): string {
  return `${id} ${attempt} ${received}`;
}

/** Undefined where the header's value is no request. */
export function parseResume(value: string): ResumeRequest | undefined {
  const { id, attempt, received } = REQUEST.exec(value)?.groups ?? {};
  if (id === undefined) return undefined;
  const request = { id, attempt: Number(attempt), received: Number(received) };
  const safe = Number.isSafeInteger(request.attempt) && Number.isSafeInteger(request.received);
  return safe ? request : undefined;
}
