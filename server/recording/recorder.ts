import { mkdir } from "node:fs/promises";
import path from "node:path";
import { PROTOCOL_MAJOR, PROTOCOL_MINOR } from "#shared/wire/gen/numbers.ts";
import {
  adapterName,
  type MappedHash,
  type PictureHash,
  type RecordingEnd,
  type RecordingHeader,
} from "./format.ts";
import { RecordingFile } from "./recording-file.ts";
import { makeRoom, RECORDING_SUFFIX, type RecordingLimits } from "./rotation.ts";

/** Sessions that an admin turned on or off. Bounds what a script of the admin's makes the gateway remember. */
export const MAX_CHOSEN_SESSIONS = 1024;

/** What a worker knows of a connection as it opens. */
export type RecordedConnection = Pick<RecordingHeader, "adapter" | "bounds">;

type RecorderEvents = {
  /** A connection's recording begins. */
  readonly began: (session: string, connection: number, file: string) => void;
  readonly ended: (session: string, connection: number, end: RecordingEnd) => void;
  /** A connection is not recorded, or no further; the program goes on. The reason is a sentence. */
  readonly failed: (session: string, connection: number, reason: string) => void;
};

export type RecorderOptions = {
  /** Holds a folder for each session. */
  readonly folder: string;
  readonly limits: RecordingLimits;
  /** Whether the session's profile says so. */
  readonly isInProfile: (session: string) => boolean;
  readonly events: RecorderEvents;
};

/** Records the connections of the sessions for which that is turned on: off unless a profile or an admin says so. */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #chosen = new Map<string, boolean>();
  readonly #sessions = new Map<string, SessionRecordings>();

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** Whether programs of the session that connect from now on are recorded. */
  isOn(session: string): boolean {
    return this.#chosen.get(session) ?? this.#options.isInProfile(session);
  }

  /** What an admin chose wins over the profile, until it is undefined again. False: too many are remembered. */
  choose(session: string, isOn: boolean | undefined): boolean {
    if (isOn === undefined) {
      this.#chosen.delete(session);
      return true;
    }
    if (this.#chosen.size >= MAX_CHOSEN_SESSIONS && !this.#chosen.has(session)) return false;
    this.#chosen.set(session, isOn);
    return true;
  }

  /** Where the session's recordings are. A session's name is a file's: see SESSION_NAME. */
  folderOf(session: string): string {
    return path.join(this.#options.folder, session);
  }

  /** The recording of a connection, while it grows. */
  find(session: string, connection: number): RecordingFile | undefined {
    return this.#sessions.get(session)?.find(connection);
  }

  /** Connections of the session that are being recorded. */
  openOf(session: string): number {
    return this.#sessions.get(session)?.size ?? 0;
  }

  /** The recordings that one worker of a session makes. */
  forWorker(session: string): WorkerRecordings {
    let recordings = this.#sessions.get(session);
    if (recordings === undefined) {
      recordings = new SessionRecordings(session, this.folderOf(session), this.#options);
      this.#sessions.set(session, recordings);
    }
    return new WorkerRecordings(recordings, () => this.isOn(session));
  }

  /** The session is forgotten; its files stay. */
  forget(session: string): void {
    if (this.openOf(session) === 0) this.#sessions.delete(session);
  }
}

/** What one worker's connections are recorded to. Ends with the worker. */
export class WorkerRecordings {
  readonly #recordings: SessionRecordings;
  readonly #isOn: () => boolean;

  constructor(recordings: SessionRecordings, isOn: () => boolean) {
    this.#recordings = recordings;
    this.#isOn = isOn;
  }

  /** Whether the connection is recorded from its first byte on. Never rejects. */
  async begin(connection: number, about: RecordedConnection): Promise<boolean> {
    return this.#isOn() && (await this.#recordings.begin(connection, about));
  }

  /** A worker's word, checked by its message and no further. */
  picture(connection: number, hash: PictureHash): void {
    this.#recordings.find(connection)?.picture(hash);
  }

  mapped(connection: number, hash: MappedHash): void {
    this.#recordings.find(connection)?.mapped(hash);
  }

  connectionEnded(connection: number, reason: string): void {
    this.#recordings.end(connection, reason);
  }

  workerEnded(reason: string): void {
    this.#recordings.endAll(reason);
  }
}

/** One session's open recordings. A session has one worker at a time. */
class SessionRecordings {
  readonly #session: string;
  readonly #folder: string;
  readonly #options: RecorderOptions;
  readonly #files = new Map<number, RecordingFile>();
  /** Also those whose last bytes are on their way. */
  readonly #open = new Set<string>();
  /** One after the other: each makes its room first. */
  #beginning: Promise<unknown> = Promise.resolve();

  constructor(session: string, folder: string, options: RecorderOptions) {
    this.#session = session;
    this.#folder = folder;
    this.#options = options;
  }

  get size(): number {
    return this.#files.size;
  }

  find(connection: number): RecordingFile | undefined {
    return this.#files.get(connection);
  }

  async begin(connection: number, about: RecordedConnection): Promise<boolean> {
    const begun = this.#beginning.then(() => this.#begin(connection, about));
    this.#beginning = begun;
    return begun;
  }

  end(connection: number, reason: string): void {
    this.#files.get(connection)?.end(reason);
    this.#files.delete(connection);
  }

  endAll(reason: string): void {
    for (const connection of this.#files.keys()) this.end(connection, reason);
  }

  async #begin(connection: number, about: RecordedConnection): Promise<boolean> {
    const { limits, events } = this.#options;
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      if (!(await makeRoom(this.#folder, this.#open, limits))) {
        const reason = `${this.#open.size} programs of the session are being recorded, and one more has no room.`;
        events.failed(this.#session, connection, reason);
        return false;
      }
      this.#files.set(connection, await this.#create(connection, about));
      return true;
    } catch (error) {
      events.failed(this.#session, connection, String(error));
      return false;
    }
  }

  async #create(connection: number, about: RecordedConnection): Promise<RecordingFile> {
    const { limits, events } = this.#options;
    const startedAt = new Date().toISOString();
    const name = `${startedAt.replaceAll(/[-:.]/g, "")}-${connection}${RECORDING_SUFFIX}`;
    const file = path.join(this.#folder, name);
    const recording = await RecordingFile.create({
      path: file,
      header: {
        wire: { major: PROTOCOL_MAJOR, minor: PROTOCOL_MINOR },
        session: this.#session,
        connection,
        startedAt,
        bounds: about.bounds,
        adapter: { ...about.adapter, name: adapterName(about.adapter.name) },
      },
      maxBytes: limits.fileBytes,
      ended: (end) => {
        this.#open.delete(file);
        if (this.#files.get(connection) === recording) this.#files.delete(connection);
        if (end instanceof Error) events.failed(this.#session, connection, end.message);
        else events.ended(this.#session, connection, end);
      },
    });
    this.#open.add(file);
    events.began(this.#session, connection, file);
    return recording;
  }
}
