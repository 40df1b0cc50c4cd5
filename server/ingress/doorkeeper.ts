import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import type { Config } from "#server/config/config.ts";
import type { Events } from "#server/observe/events.ts";
import type { ClientAddresses, Sender } from "./client-addresses.ts";
import { Refusal } from "./refusal.ts";

/** Where strangers come in: a program's upgrade, a viewer's, and all other requests. */
export type Door = "guest" | "viewer" | "web";

const WINDOW_SECONDS = 60;

type ViewerClaims = {
  readonly session: string;
  readonly role: "view" | "control" | "admin";
  readonly pass: { readonly id: string };
};

export type DoorkeeperOptions = {
  readonly limits: Config["doors"];
  readonly addresses: ClientAddresses;
  readonly events: Events;
  /** A program or viewer of the session is refused, since such came too often. */
  readonly crowded: (session: string) => void;
  /** The connection under a request has shown a good token. */
  readonly authenticated: (socket: Sender["socket"]) => void;
};

/**
 * Counts what comes to the doors within a minute. Several VMs may share one address (NAT), and one of them may
 * be hostile: so what is counted for an address keeps no guest with a good token out, and what a good token
 * does is counted for its session; for programs and viewers apart, as a program may be hostile to its operator.
 */
export class Doorkeeper {
  readonly #options: DoorkeeperOptions;
  readonly #attempts: Readonly<Record<Door, RateLimiterMemory>>;
  readonly #failures: RateLimiterMemory;
  readonly #joins: RateLimiterMemory;
  readonly #tokenJoins: RateLimiterMemory;

  constructor(options: DoorkeeperOptions) {
    this.#options = options;
    const { attemptsPerMinute, failuresPerMinute, joinsPerMinute, tokenJoinsPerMinute } =
      options.limits;
    this.#attempts = {
      guest: perMinute(attemptsPerMinute),
      viewer: perMinute(attemptsPerMinute),
      web: perMinute(attemptsPerMinute),
    };
    this.#failures = perMinute(failuresPerMinute);
    this.#joins = perMinute(joinsPerMinute);
    this.#tokenJoins = perMinute(tokenJoinsPerMinute);
  }

  /** Somebody is at the door. Throws Refusal where this address came too often. Bounds the work for strangers. */
  async attempt(door: Door, request: Sender): Promise<void> {
    const address = this.#options.addresses.of(request);
    await this.#count(this.#attempts[door], address, door, (limit) => {
      return `Address ${address} came to this door over ${limit} times within a minute`;
    });
  }

  /**
   * A token was not taken. Throws Refusal where that happened too often at this address. Bounds guessing, and
   * the log's growth.
   */
  async failure(door: Door, request: Sender): Promise<void> {
    const address = this.#options.addresses.of(request);
    await this.#count(this.#failures, address, door, (limit) => {
      return `Over ${limit} tokens that address ${address} showed within a minute were not good`;
    });
  }

  /** The request came with a good token: its connection is no stranger's any more. */
  authenticated(request: Sender): void {
    this.#options.authenticated(request.socket);
  }

  /**
   * A good token is about to be let in. Throws Refusal where its session's were too often. Bounds what a program
   * that reconnects without end costs.
   */
  async joins(door: Door, session: string): Promise<void> {
    await this.#join(session, this.#joins, `${door} ${session}`, door, (limit) => {
      return `Session ${session} was joined at this door over ${limit} times within a minute`;
    });
  }

  /**
   * As joins(), of a viewer: counted for its token, then for its session, those in control apart from those who only
   * watch. Bounds what a link that is passed on costs the operator in control, which is no way in.
   */
  async viewerJoins({ session, role, pass }: ViewerClaims): Promise<void> {
    await this.#join(session, this.#tokenJoins, pass.id, "viewer", (limit) => {
      return `A viewer's token joined session ${session} over ${limit} times within a minute`;
    });
    const kind = role === "view" ? "watch" : "steer";
    await this.#join(session, this.#joins, `viewer ${kind} ${session}`, "viewer", (limit) => {
      return `Session ${session} was joined over ${limit} times within a minute by viewers that ${kind}`;
    });
  }

  async #join(
    session: string,
    limiter: RateLimiterMemory,
    key: string,
    door: Door,
    says: (limit: number) => string,
  ): Promise<void> {
    try {
      await this.#count(limiter, key, door, says);
    } catch (refusal) {
      this.#options.crowded(session);
      throw refusal;
    }
  }

  async #count(
    limiter: RateLimiterMemory,
    key: string,
    door: Door,
    says: (limit: number) => string,
  ): Promise<void> {
    try {
      await limiter.consume(key);
    } catch (excess) {
      if (!(excess instanceof RateLimiterRes)) throw excess;
      const seconds = Math.ceil(excess.msBeforeNext / 1000);
      const sentence = `${says(limiter.points)}, which is the limit: try again in ${seconds} s.`;
      // Once a minute: a flood must not fill the log.
      if (excess.consumedPoints === limiter.points + 1) {
        this.#options.events.doorLimited(door, sentence);
      }
      throw new Refusal(429, sentence, { "Retry-After": String(seconds) });
    }
  }
}

function perMinute(points: number): RateLimiterMemory {
  return new RateLimiterMemory({ points, duration: WINDOW_SECONDS });
}
