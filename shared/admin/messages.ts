import { z } from "zod";
import { SessionReport } from "./session-report.ts";

// What the admin API answers and the live page is told besides the sessions' reports.
// The page connects to ADMIN_NAMESPACE on the signaling path with `auth: { token }`.

const values = z.array(z.number().nullable());

/** Columns of equal length, oldest first; null where a figure was not known. */
export const SessionHistory = z
  .object({
    session: z.string(),
    /** Seconds since 1970. */
    times: z.array(z.number()).meta({ description: "Seconds since 1970, oldest first." }),
    frameRate: values,
    bitrate: values,
    gpuTime: values,
    gpuMemory: values,
    viewers: values,
    programs: values,
  })
  .meta({ id: "SessionHistory" });
export type SessionHistory = z.infer<typeof SessionHistory>;

export const HostReport = z
  .object({
    url: z.string().meta({ description: "Where the gateway listens." }),
    since: z.iso.datetime(),
    ready: z.boolean().meta({ description: "A GPU was found." }),
    sentence: z.string().meta({ description: "The GPU, or why there is none." }),
    profiles: z.array(z.string()).meta({ description: "What the configuration has." }),
    sessions: z.number().int().min(0),
  })
  .meta({ id: "Host" });
export type HostReport = z.infer<typeof HostReport>;

export const ScreenLink = z
  .object({
    link: z.string().meta({
      description: "Relative to the gateway's address; its fragment is a token that may only view.",
    }),
    expiresAt: z.iso.datetime(),
  })
  .meta({ id: "ScreenLink" });
export type ScreenLink = z.infer<typeof ScreenLink>;

export const SessionRecording = z
  .object({
    on: z.boolean().meta({ description: "Programs that connect from now on are recorded." }),
    folder: z.string().meta({ description: "On the GPU host." }),
    programs: z.number().int().min(0).meta({ description: "That are connected." }),
    recorded: z.number().int().min(0).meta({ description: "Of these, those being recorded." }),
  })
  .meta({ id: "SessionRecording" });
export type SessionRecording = z.infer<typeof SessionRecording>;

/** An error's body (RFC 9457). */
export const ProblemDetails = z
  .object({
    type: z.literal("about:blank"),
    title: z.string().meta({ description: "The status, in words." }),
    status: z.number().int(),
    detail: z.string().meta({ description: "What is wrong, as a sentence." }),
  })
  .meta({ id: "Problem" });
export type ProblemDetails = z.infer<typeof ProblemDetails>;

/** All that there is to see now, once a second. */
export type AdminNews = {
  readonly host: HostReport;
  readonly sessions: readonly SessionReport[];
};

export type ServerToAdmin = {
  news: (news: AdminNews) => void;
  /** The gateway ends this connection; it must not retry with the same token. */
  refused: (sentence: string) => void;
};
