import type { RequestListener } from "node:http";
import type { RequestHandler } from "express";
import type { Server } from "socket.io";
import type { Tokens } from "#server/auth/tokens.ts";
import type { Config } from "#server/config/config.ts";
import type { Profiles } from "#server/config/profiles.ts";
import { metricsRoute } from "#server/http/metrics.ts";
import type { Doorkeeper } from "#server/ingress/doorkeeper.ts";
import type { Events } from "#server/observe/events.ts";
import type { Metrics } from "#server/observe/metrics.ts";
import type { Recorder } from "#server/recording/recorder.ts";
import type { Sessions } from "#server/session/sessions.ts";
import type { HostReport } from "#shared/admin/messages.ts";
import { AdminDoor } from "./admin-door.ts";
import { adminApi, hostApi } from "./api.ts";
import { History, SAMPLE_SECONDS } from "./history.ts";
import { attachLive } from "./live.ts";
import type { AdminContext } from "./operations.ts";

export type AdminServicesOptions = {
  /** Who reads /metrics. */
  readonly access: Config["metrics"];
  readonly profiles: Profiles;
  readonly tokens: Tokens;
  readonly doorkeeper: Doorkeeper;
  readonly events: Events;
  readonly sessions: Sessions;
  readonly metrics: Metrics;
  readonly recorder: Recorder;
  /** What is known of the host, but for its sessions. */
  readonly host: () => Omit<HostReport, "profiles" | "sessions">;
};

/** All that the host's admin reaches: API, live page and metrics, behind one door. Owns the history's timer. */
export class AdminServices implements Disposable {
  readonly api: RequestHandler;
  readonly metrics: RequestHandler;
  /** For the host's own commands: see HostSocket. */
  readonly host: RequestListener;
  readonly #door: AdminDoor;
  readonly #tokens: Tokens;
  readonly #sessions: Sessions;
  readonly #host: () => HostReport;
  readonly #sampling: NodeJS.Timeout;

  constructor({
    access,
    profiles,
    tokens,
    doorkeeper,
    events,
    sessions,
    metrics,
    recorder,
    host,
  }: AdminServicesOptions) {
    this.#tokens = tokens;
    this.#sessions = sessions;
    this.#host = () => ({
      ...host(),
      profiles: [...profiles.all.keys()],
      sessions: sessions.reports().length,
    });
    this.#door = new AdminDoor({
      authenticate: (token) => tokens.authenticateAdmin(token),
      doorkeeper,
      events,
    });
    this.metrics = metricsRoute({
      access,
      admit: (request) => this.#door.admitRequest(request),
      contentType: metrics.contentType,
      text: () => metrics.text(),
    });
    const history = new History();
    this.#sampling = setInterval(
      () => history.sample(sessions.reports(), Date.now() / 1000),
      SAMPLE_SECONDS * 1000,
    );
    const context: AdminContext = {
      sessions,
      profiles: () => profiles.all,
      history,
      recorder,
      host: this.#host,
      viewToken: (session, lifetime) => tokens.issue({ role: "view", session }, lifetime),
    };
    this.api = adminApi({ door: this.#door, events, context });
    this.host = hostApi({ events, context });
  }

  /** Serves the live page's namespace. */
  attachTo(io: Server): Disposable {
    const news = () => ({ host: this.#host(), sessions: this.#sessions.reports() });
    return attachLive(io, {
      door: this.#door,
      hold: (pass, end) => this.#tokens.hold(pass, end),
      news,
    });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#sampling);
  }
}
