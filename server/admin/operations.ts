import { z } from "zod";
import { SESSION_NAME } from "#server/auth/claims.ts";
import type { Profile } from "#server/config/config.ts";
import { MAX_CHOSEN_SESSIONS, type Recorder } from "#server/recording/recorder.ts";
import type { Session } from "#server/session/session.ts";
import { MAX_KEPT_SESSIONS, type Sessions } from "#server/session/sessions.ts";
import { GpuShare } from "#shared/admin/gpu-share.ts";
import {
  HostReport,
  ScreenLink,
  SessionHistory,
  SessionRecording,
} from "#shared/admin/messages.ts";
import { SessionReport } from "#shared/admin/session-report.ts";
import type { History } from "./history.ts";
import { describeIssues, Problem } from "./problem.ts";

// What an admin may ask for. The document that describes it and the checks of what comes and goes are
// made of this table, so that they cannot differ.

/** A reason is told to programs and viewers, and logged. Bounds both. */
export const MAX_REASON_CHARACTERS = 500;

/** A look at a screen begins within this time; a viewer that is connected stays. */
const SCREEN_LINK_SECONDS = 300;

export type AdminContext = {
  readonly sessions: Sessions;
  readonly profiles: () => ReadonlyMap<string, Profile>;
  readonly history: History;
  readonly recorder: Recorder;
  readonly host: () => HostReport;
  /** A token for a viewer that only watches. */
  readonly viewToken: (session: string, lifetimeSeconds: number) => Promise<string>;
};

export type Operation = {
  readonly id: string;
  readonly method: "get" | "put" | "post" | "delete";
  /** As in OpenAPI; "{name}" is a session's. */
  readonly path: string;
  readonly summary: string;
  /** It changes something, or lets see a screen: the audit log says who did it. */
  readonly isAct: boolean;
  /** NONE: nothing is to be sent. */
  readonly body: z.ZodType;
  /** NONE: the answer is 204, without content. */
  readonly answer: z.ZodType;
  /** Throws Problem; and ZodError where the answer is not as described, which is the gateway's own fault. */
  readonly run: (context: AdminContext, request: OperationRequest) => Promise<unknown>;
};

/** As it came: not checked. */
type OperationRequest = { readonly name: string; readonly body: unknown };

type Definition<Body extends z.ZodType, Answer extends z.ZodType> = {
  readonly id: string;
  readonly method: Operation["method"];
  readonly path: string;
  readonly summary: string;
  readonly isAct?: boolean;
  readonly body: Body;
  readonly answer: Answer;
  readonly run: (
    context: AdminContext,
    request: { readonly name: string; readonly body: z.output<Body> },
  ) => z.input<Answer> | Promise<z.input<Answer>>;
};

export const NONE = z.undefined({ error: "send no body" });

export const SessionName = z
  .string()
  .regex(SESSION_NAME, "write 1 to 64 letters, digits, dots, dashes or underscores")
  .meta({ description: "The session, which is one VM.", example: "vm-1" });

const Reason = z
  .string()
  .trim()
  .min(1)
  .max(MAX_REASON_CHARACTERS)
  .meta({ description: "Told to programs and viewers.", example: "It is being maintained." });

const ProfileName = z.string().min(1).max(64).meta({ example: "default" });

export const OPERATIONS: readonly Operation[] = [
  operation({
    id: "getHost",
    method: "get",
    path: "/host",
    summary: "What the gateway found and has.",
    body: NONE,
    answer: HostReport,
    run: ({ host }) => host(),
  }),
  operation({
    id: "listSessions",
    method: "get",
    path: "/sessions",
    summary: "All sessions.",
    body: NONE,
    answer: z.object({ sessions: z.array(SessionReport) }),
    run: ({ sessions }) => ({ sessions: sessions.reports() }),
  }),
  operation({
    id: "getSession",
    method: "get",
    path: "/sessions/{name}",
    summary: "One session.",
    body: NONE,
    answer: SessionReport,
    run: (context, { name }) => sessionOf(context, name).report(),
  }),
  operation({
    id: "keepSession",
    method: "put",
    path: "/sessions/{name}",
    summary:
      "Makes a session ahead of its guest, or keeps the one that there is while it is empty.",
    isAct: true,
    body: z.strictObject({ profile: ProfileName.optional() }),
    answer: SessionReport,
    run: (context, { name, body }) => {
      const profile =
        body.profile === undefined ? undefined : profileFor(context, name, body.profile);
      const session = context.sessions.keep(name, profile);
      if (session !== undefined) return session.report();
      throw new Problem(
        409,
        `The gateway keeps ${MAX_KEPT_SESSIONS} sessions already, which is the limit: remove one first.`,
      );
    },
  }),
  operation({
    id: "removeSession",
    method: "delete",
    path: "/sessions/{name}",
    summary: "Ends a session: its programs, its worker and its viewers. Its guest may come back.",
    isAct: true,
    body: NONE,
    answer: NONE,
    run: async (context, { name }) => {
      const session = sessionOf(context, name);
      if (session.report().quarantine !== undefined) {
        throw new Problem(409, `Session ${name} is quarantined: release it first.`);
      }
      await session.remove("An admin removed the session.");
      return undefined;
    },
  }),
  operation({
    id: "getHistory",
    method: "get",
    path: "/sessions/{name}/history",
    summary: "A session's figures over the last hour, every five seconds.",
    body: NONE,
    answer: SessionHistory,
    run: (context, { name }) => context.history.of(sessionOf(context, name).name),
  }),
  operation({
    id: "assignProfile",
    method: "put",
    path: "/sessions/{name}/profile",
    summary: "Gives a session another profile than its token names; null takes it back.",
    isAct: true,
    body: z.strictObject({ profile: ProfileName.nullable() }),
    answer: SessionReport,
    run: (context, { name, body }) => {
      const session = sessionOf(context, name);
      session.assignProfile(
        body.profile === null ? undefined : profileFor(context, name, body.profile),
      );
      return session.report();
    },
  }),
  operation({
    id: "assignShare",
    method: "put",
    path: "/sessions/{name}/share",
    summary:
      "Gives a session another part of the GPU than its profile names, at once; null takes it back.",
    isAct: true,
    body: z.strictObject({ share: GpuShare.nullable() }),
    answer: SessionReport,
    run: (context, { name, body }) => {
      const session = sessionOf(context, name);
      if (body.share !== null) checkPromise(context, name, body.share);
      session.assignShare(body.share ?? undefined);
      return session.report();
    },
  }),
  operation({
    id: "pauseSession",
    method: "post",
    path: "/sessions/{name}/pause",
    summary: "Grants no frame until it is resumed; programs stay connected.",
    isAct: true,
    body: NONE,
    answer: SessionReport,
    run: (context, { name }) => {
      const session = sessionOf(context, name);
      session.pause();
      return session.report();
    },
  }),
  operation({
    id: "resumeSession",
    method: "post",
    path: "/sessions/{name}/resume",
    summary: "Grants frames again.",
    isAct: true,
    body: NONE,
    answer: SessionReport,
    run: (context, { name }) => {
      const session = sessionOf(context, name);
      session.resume();
      return session.report();
    },
  }),
  operation({
    id: "evictSession",
    method: "post",
    path: "/sessions/{name}/evict",
    summary: "Ends a session's programs and its worker; they may come back.",
    isAct: true,
    body: z.strictObject({ reason: Reason.optional() }),
    answer: SessionReport,
    run: async (context, { name, body }) => {
      const session = sessionOf(context, name);
      const why = body.reason === undefined ? "." : `: ${body.reason}`;
      await session.evict(`An admin ended the session's programs${why}`);
      return session.report();
    },
  }),
  operation({
    id: "quarantineSession",
    method: "post",
    path: "/sessions/{name}/quarantine",
    summary: "Ends a session's programs, and lets no guest of it in until it is released.",
    isAct: true,
    body: z.strictObject({ reason: Reason }),
    answer: SessionReport,
    run: async (context, { name, body }) => {
      const session = sessionOf(context, name);
      await session.quarantine(body.reason);
      return session.report();
    },
  }),
  operation({
    id: "releaseSession",
    method: "post",
    path: "/sessions/{name}/release",
    summary: "Lets a quarantined session's guest in again.",
    isAct: true,
    body: NONE,
    answer: SessionReport,
    run: (context, { name }) => {
      const session = sessionOf(context, name);
      if (session.report().quarantine === undefined) {
        throw new Problem(409, `Session ${name} is not quarantined.`);
      }
      session.readmit();
      return session.report();
    },
  }),
  operation({
    id: "viewScreen",
    method: "post",
    path: "/sessions/{name}/screen",
    summary: "Gives a link to look at a session's screen, without control.",
    isAct: true,
    body: NONE,
    answer: ScreenLink,
    run: async (context, { name }) => {
      const token = await context.viewToken(sessionOf(context, name).name, SCREEN_LINK_SECONDS);
      const expiresAt = new Date(Date.now() + SCREEN_LINK_SECONDS * 1000).toISOString();
      return { link: `/#token=${token}`, expiresAt };
    },
  }),
  operation({
    id: "recordSession",
    method: "put",
    path: "/sessions/{name}/recording",
    summary:
      "Records what programs that connect from now on send, or no longer; null: as the profile says.",
    isAct: true,
    body: z.strictObject({ on: z.boolean().nullable() }),
    answer: SessionRecording,
    run: ({ sessions, recorder }, { name, body }) => {
      // Its first program may be yet to come, and what was chosen stays when it is forgotten.
      const programs = sessions.find(name)?.report().programs ?? 0;
      if (!recorder.choose(name, body.on ?? undefined)) {
        const limit = `${MAX_CHOSEN_SESSIONS} sessions are recorded or not by an admin's word`;
        throw new Problem(409, `${limit}, which is the limit: send null for one of them first.`);
      }
      const recorded = recorder.openOf(name);
      return { on: recorder.isOn(name), folder: recorder.folderOf(name), programs, recorded };
    },
  }),
];

function operation<Body extends z.ZodType, Answer extends z.ZodType>(
  definition: Definition<Body, Answer>,
): Operation {
  return {
    ...definition,
    isAct: definition.isAct ?? false,
    run: async (context, request) => {
      const name = definition.path.includes("{name}")
        ? check("session's name", SessionName, request.name)
        : "";
      const body = check("body", definition.body, request.body);
      return definition.answer.parse(await definition.run(context, { name, body }));
    },
  };
}

function check<Schema extends z.ZodType>(
  part: string,
  schema: Schema,
  value: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new Problem(400, describeIssues(part, parsed.error), { cause: parsed.error });
}

function sessionOf({ sessions }: AdminContext, name: string): Session {
  const session = sessions.find(name);
  if (session === undefined) throw new Problem(404, `There is no session ${name}.`);
  return session;
}

/** Throws Problem where the fixed shares of all sessions would be more than the whole GPU. */
function checkPromise({ sessions }: AdminContext, name: string, share: GpuShare): void {
  const refusal = sessions.shareRefusal(name, share);
  if (refusal !== undefined) throw new Problem(409, refusal);
}

/** The profile that an admin wants for a session. Throws Problem where there is none, or it promises too much. */
function profileFor(context: AdminContext, session: string, name: string): Profile {
  const { profiles, sessions } = context;
  const profile = profiles().get(name);
  if (profile === undefined) {
    const known = [...profiles().keys()].join(", ");
    throw new Problem(400, `Profile ${name} is not configured; those that are: ${known}.`);
  }
  const refusal = profile.exclusive ? sessions.exclusiveRefusal(session) : undefined;
  if (refusal !== undefined) throw new Problem(409, refusal);
  // An assigned share counts on, whatever the profile says.
  if (sessions.find(session)?.report().shareAssigned !== true) {
    checkPromise(context, session, profile.share);
  }
  return profile;
}
