import type { SessionState, Welcome } from "#shared/signaling/messages.ts";

// From what the page knows to what it says. No DOM here.

export type Knowledge = {
  readonly token: boolean;
  /** Why this browser cannot show a picture, as a sentence. */
  readonly unsupported?: string;
  /** Why the gateway turned this viewer away, as a sentence. */
  readonly refused?: string;
  /** Why the gateway has no room for this viewer now, as a sentence. */
  readonly busy?: string | undefined;
  readonly signaling: "connecting" | "open" | "lost";
  /** The browser says that this computer has no network. */
  readonly offline: boolean;
  /** Nobody looks at the page: it has left the session. */
  readonly away: boolean;
  /** `failed`: this page never had a way for video, or lost its last one and found no other. */
  readonly media: "connecting" | "connected" | "interrupted" | "failed";
  /** What the token opened, as far as the gateway said so. */
  readonly welcome?: Welcome;
  readonly session?: SessionState | undefined;
  /** A frame of this peer connection was shown. */
  readonly playing: boolean;
  /** The browser holds the picture back until a person asks for it. */
  readonly blocked: boolean;
};

export const AT_FIRST: Knowledge = {
  token: false,
  signaling: "connecting",
  offline: false,
  away: false,
  media: "connecting",
  playing: false,
  blocked: false,
};

/** The values of `data-state` on the page's body. */
export type Phase =
  | "no-token"
  | "unsupported"
  | "refused"
  | "sent-away"
  | "busy"
  | "connecting"
  | "away"
  | "reconnecting"
  | "interrupted"
  | "no-path"
  | "blocked"
  | "waiting-for-guest"
  | "starting"
  | "guest-away"
  | "guest-gone"
  | "worker-restarting"
  | "paused"
  | "quarantined"
  | "live";

export type Presentation = {
  readonly phase: Phase;
  /** For the toolbar: one or two words. */
  readonly short: string;
  readonly title: string;
  readonly sentence: string;
  /** Something is under way and nothing is asked of the operator. */
  readonly busy: boolean;
};

const page = (
  phase: Phase,
  short: string,
  title: string,
  sentence: string,
  busy = false,
): Presentation => ({ phase, short, title, sentence, busy });

/** What a tab is called: people have one for each VM. */
export function pageTitle({ phase, short }: Presentation, welcome: Welcome | undefined): string {
  const parts = [phase === "live" ? undefined : short, welcome?.session, "Heliograph"];
  return parts.filter((part) => part !== undefined).join(" – ");
}

/** The gateway takes no input from this viewer. */
export function isViewOnly({ welcome }: Knowledge): boolean {
  return welcome?.role === "view";
}

/** The first thing in the way decides what the page says. */
export function present(knowledge: Knowledge): Presentation {
  const { unsupported, refused, busy, session } = knowledge;
  if (unsupported !== undefined) {
    return page("unsupported", "Unsupported", "This browser cannot show the picture", unsupported);
  }
  if (!knowledge.token) {
    return page(
      "no-token",
      "No token",
      "A token is missing",
      "Open the whole address that you were given, with the part after the # sign: it is the key to the session. You can also paste it here.",
    );
  }
  if (refused !== undefined && knowledge.welcome !== undefined) {
    return page("sent-away", "Ended", "The gateway ended this view", refused);
  }
  if (refused !== undefined) {
    return page("refused", "Refused", "The gateway refused this viewer", refused);
  }
  if (busy !== undefined) {
    return page("busy", "No room", "There is no room now", `${busy} Trying again.`, true);
  }
  if (knowledge.away) {
    return page(
      "away",
      "Resting",
      "Resting",
      "Nobody looked at this tab for a while, so that it left the session. Coming back.",
      true,
    );
  }
  if (knowledge.signaling === "lost") return presentLoss(knowledge);
  // Said before "connecting": each attempt passes through that again, and the page would flicker.
  if (knowledge.media === "failed") {
    return page(
      "no-path",
      "No video",
      "The video does not arrive",
      "The gateway answers, but no way for its video was found. A firewall may block UDP between here and the gateway. Trying again.",
      true,
    );
  }
  if (knowledge.media === "interrupted") {
    return page(
      "interrupted",
      "Interrupted",
      "The video is interrupted",
      "Its way from the gateway to this page broke off. Finding it again.",
      true,
    );
  }
  if (knowledge.signaling === "connecting" || session === undefined) {
    return page("connecting", "Connecting", "Connecting", "Reaching the gateway.", true);
  }
  if (session.state === "starting" || session.state === "live") {
    return presentPicture(knowledge, session);
  }
  const [short, title, next] = WITHOUT_PICTURE[session.state];
  const awaitsAdmin = session.state === "paused" || session.state === "quarantined";
  const sentence = next === undefined ? session.sentence : `${session.sentence} ${next}`;
  return page(session.state, short, title, sentence, !awaitsAdmin);
}

function presentLoss({ offline, welcome }: Knowledge): Presentation {
  const [title, sentence] = offline
    ? [
        "This computer is offline",
        "The picture comes back by itself when there is a network again.",
      ]
    : welcome === undefined
      ? [
          "The gateway cannot be reached",
          "This page came from the gateway, but its WebSocket does not open. The gateway may have stopped a moment ago, or a proxy on the way may block WebSockets. Trying again.",
        ]
      : ["Connection lost", "The gateway does not answer. Trying again."];
  return page("reconnecting", offline ? "Offline" : "Reconnecting", title, sentence, true);
}

/** For the toolbar, as a title, and what is to be expected after the gateway's own sentence. */
const WITHOUT_PICTURE = {
  "waiting-for-guest": ["Waiting", "Waiting for a program", "Its picture appears here by itself."],
  "guest-away": [
    "Link broken",
    "The link to the program broke",
    "It goes on when the link is back.",
  ],
  "guest-gone": ["Program ended", "The program ended", "The next one's picture appears by itself."],
  "worker-restarting": ["Restarting", "The GPU worker starts again", undefined],
  paused: ["Paused", "The session is paused", "It goes on when an admin resumes it."],
  quarantined: ["Quarantined", "The session is quarantined", undefined],
} as const;

/** The guest draws, or is about to: what remains is the picture on this page. */
function presentPicture(knowledge: Knowledge, session: SessionState): Presentation {
  if (knowledge.blocked) {
    return page(
      "blocked",
      "Paused",
      "The browser paused the picture",
      "It plays video only after you ask for it.",
    );
  }
  if (session.state === "live" && knowledge.playing) {
    return page("live", "Live", "Live", session.sentence);
  }
  const sentence =
    session.state === "live" ? "The program draws; its picture is on the way." : session.sentence;
  return page("starting", "Starting", "Starting", sentence, true);
}
