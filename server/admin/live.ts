import type { Namespace, Server, Socket } from "socket.io";
import { z } from "zod";
import type { Pass } from "#server/auth/holders.ts";
import type { Admin } from "#server/auth/tokens.ts";
import { MAX_TOKEN_CHARACTERS, turnAway } from "#server/signaling/signaling.ts";
import type { AdminNews, ServerToAdmin } from "#shared/admin/messages.ts";
import { ADMIN_NAMESPACE } from "#shared/admin/paths.ts";
import type { AdminDoor } from "./admin-door.ts";

const NEWS_INTERVAL_MS = 1_000;

/** Pages that are told at once. Bounds what one admin's token, passed on, costs. */
export const MAX_ADMIN_PAGES = 32;

const Handshake = z.object({ token: z.string().min(1).max(MAX_TOKEN_CHARACTERS) });

type NoEvents = Record<string, never>;
type AdminData = { admin: Admin };
type AdminPages = Namespace<NoEvents, ServerToAdmin, NoEvents, AdminData>;
type AdminSocket = Socket<NoEvents, ServerToAdmin, NoEvents, AdminData>;

export type LiveOptions = {
  readonly door: AdminDoor;
  /** Calls `end` when the token no longer counts; returns what ends the wait. */
  readonly hold: (pass: Pass, end: (sentence: string) => void) => () => void;
  readonly news: () => AdminNews;
};

/** Tells admin pages each second what there is to see. The socket.io server stays the caller's. */
export function attachLive(io: Server, { door, hold, news }: LiveOptions): Disposable {
  const pages: AdminPages = io.of(ADMIN_NAMESPACE);
  pages.use((socket, next) => {
    void admit(socket, door, next);
  });
  pages.on("connection", (socket) => {
    if (pages.sockets.size > MAX_ADMIN_PAGES) {
      refuse(socket, `${MAX_ADMIN_PAGES} admin pages are open, which is the limit: close one.`);
      return;
    }
    socket.emit("news", news());
    const letGo = hold(socket.data.admin.pass, (sentence) => refuse(socket, sentence));
    socket.once("disconnect", letGo);
  });
  const timer = setInterval(() => {
    if (pages.sockets.size === 0) return;
    const latest = news();
    for (const socket of pages.sockets.values()) {
      if (socket.data.admin.expiresAt.getTime() <= Date.now()) {
        refuse(socket, "The token expired: ask for a new one.");
      } else {
        socket.volatile.emit("news", latest); // A page that does not read misses some.
      }
    }
  }, NEWS_INTERVAL_MS);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      pages.removeAllListeners("connection");
      pages.disconnectSockets();
    },
  };
}

/** The page gets a failure as its `connect_error`. */
async function admit(
  socket: AdminSocket,
  door: AdminDoor,
  next: (error?: Error) => void,
): Promise<void> {
  const handshake = Handshake.safeParse(socket.handshake.auth);
  if (!handshake.success) {
    turnAway(socket, next, new Error("The page's connection carries no token."));
    return;
  }
  try {
    socket.data.admin = await door.admit(handshake.data.token, "viewer", socket.request);
  } catch (error) {
    turnAway(socket, next, error instanceof Error ? error : new Error(String(error)));
    return;
  }
  next();
}

function refuse(socket: AdminSocket, sentence: string): void {
  socket.emit("refused", sentence);
  socket.disconnect(true);
}
