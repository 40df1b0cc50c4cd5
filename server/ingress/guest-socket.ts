import { WebSocket } from "ws";
import { CloseCode, MAX_UP_MESSAGE_BYTES } from "#shared/link/guest-link.ts";
import { closeReason } from "./close-reason.ts";

/** A WebSocket that says in words why it closes, also where the library closes it by itself. */
export class GuestSocket extends WebSocket {
  override close(code?: number, reason?: string): void {
    const words = reason ?? (code === undefined ? undefined : libraryReason(code));
    super.close(code, words === undefined ? undefined : closeReason(words));
  }
}

function libraryReason(code: number): string | undefined {
  switch (code) {
    case CloseCode.tooLarge:
      return `The message is over the limit (${MAX_UP_MESSAGE_BYTES} bytes).`;
    case CloseCode.protocolError:
      return "The bytes are not a WebSocket frame of this link.";
    case CloseCode.notUtf8:
      return "A text message is not UTF-8; messages are binary here.";
    default:
      return undefined;
  }
}
