import pino from "pino";
import pretty from "pino-pretty";

export type Logger = pino.Logger;

/** A log and the stream under it. Whoever makes one closes it last, so that no line is lost. */
export type Log = { readonly logger: Logger; readonly close: () => void };

const STDERR = 2;

/** Logs to standard error: for people where that is a terminal, else one JSON object a line. */
export function openLog(level: pino.Level, isTerminal: boolean): Log {
  // Asynchronous, so that a reader that stops reading does not stop the gateway; flushed on close.
  const destination = pino.destination({ dest: STDERR, sync: false });
  const options: pino.LoggerOptions = {
    level,
    base: null,
    // A token must never be logged; this catches the one that slipped in with a request.
    redact: ["token", "*.token", "headers.authorization", "*.headers.authorization"],
  };
  const logger = isTerminal
    ? pino(options, pretty({ destination, ignore: "pid,hostname", translateTime: "HH:MM:ss.l" }))
    : pino(options, destination);
  return {
    logger,
    close: () => {
      try {
        destination.flushSync();
      } catch {
        // Nobody reads standard error any more: there is nowhere to say so.
      }
    },
  };
}
