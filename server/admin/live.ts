import type { Namespace, Server, Socket } from "socket.io";
import { z } from "zod";
import { MAX_TOKEN_CHARACTERS } from "#server/signaling/signaling.ts";
import type { AdminNews, ServerToAdmin } from "#shared/admin/messages.ts";
import { ADMIN_NAMESPACE } from "#shared/admin/paths.ts";
import type { AdminDoor } from "./admin-door.ts";

const NEWS_INTERVAL_MS = 1_000;

/** Pages that are told at once. Bounds what one admin's token, passed on, costs. */
export const MAX_ADMIN_PAGES = 32;

const Handshake = z.object({ token: z.string().min(1).max(MAX_TOKEN_CHARACTERS) });

type NoEvents = Record<string, never>;
type AdminData = { expiresAt: Date };
type AdminPages = Namespace<NoEvents, ServerToAdmin, NoEvents, AdminData>;
type AdminSocket = Socket<NoEvents, ServerToAdmin, NoEvents, AdminData>;

export type LiveOptions = {
  readonly door: AdminDoor;
  readonly news: () => AdminNews;
};

/** Tells admin pages each second what there is to see. The socket.io server stays the caller's. */
export function attachLive(io: Server, { door, news }: LiveOptions): Disposable {
  const pages: AdminPages = io.of(ADMIN_NAMESPACE);
  pages.use((socket, next) => {
    void admit(socket, door, next);
  });
  pages.on("connection", (socket) => {
    if (pages.sockets.size > MAX_ADMIN_PAGES) {
      refuse(socket, `${MAX_ADMIN_PAGES} admin pages are open, which is the limit: close one.`);
    } else {
      socket.emit("news", news());
    }
  });
  const timer = setInterval(() => {
    if (pages.sockets.size === 0) return;
    const latest = news();
    for (const socket of pages.sockets.values()) {
      if (socket.data.expiresAt.getTime() <= Date.now()) {
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
    next(new Error("The page's connection carries no token."));
    return;
  }
  try {
    const { expiresAt } = await door.admit(handshake.data.token, socket.handshake.address);
    socket.data.expiresAt = expiresAt;
  } catch (error) {
    next(error instanceof Error ? error : new Error(String(error)));
    return;
  }
  next();
}

function refuse(socket: AdminSocket, sentence: string): void {
  socket.emit("refused", sentence);
  socket.disconnect(true);
}
