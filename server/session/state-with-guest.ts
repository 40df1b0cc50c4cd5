import type { SessionState } from "#shared/signaling/messages.ts";

/** What viewers are told of a session whose programs are connected. */
export function stateWithGuest(of: {
  /** The picture's; absent before the first. */
  readonly size: { readonly width: number; readonly height: number } | undefined;
  /** Why what a program draws is not shown, as a sentence. */
  readonly refused: string | undefined;
  /** The link of the program that is shown is broken, or of all while none is. */
  readonly isAway: boolean;
  readonly isPaused: boolean;
}): SessionState {
  const { size, refused, isAway, isPaused } = of;
  if (isAway) {
    const sentence = "The way to the program's machine is interrupted; the last frame stays.";
    return { state: "guest-away", sentence };
  }
  if (isPaused) {
    return {
      state: "paused",
      sentence: "An admin paused the session; its programs wait.",
      ...size,
    };
  }
  if (size === undefined) {
    const sentence = refused ?? "The program is connected and has not drawn yet.";
    return { state: "starting", sentence };
  }
  return { state: "live", sentence: refused ?? "The program's picture is live.", ...size };
}
