// socket.io events between viewer and gateway, in the namespace VIEWER_NAMESPACE.
// The viewer connects with `auth: { token }`; the token names the session and the role. It may be an invitation,
// which is good once: what it is exchanged for comes as `token`.

export const SIGNALING_PATH = "/signaling";
export const VIEWER_NAMESPACE = "/viewer";

/** SDP answer or offer; the gateway offers, the viewer answers. */
export type Description = { readonly type: "offer" | "answer"; readonly sdp: string };
export type Candidate = {
  readonly candidate: string;
  readonly sdpMid: string | null;
  readonly sdpMLineIndex: number | null;
};

/** What the session is doing, as the viewer shows it; `sentence` is for people. */
export type SessionState = {
  readonly state:
    | "waiting-for-guest"
    | "starting"
    | "live"
    | "guest-away"
    | "guest-gone"
    | "worker-restarting"
    /** An admin paused it: programs stay connected and draw nothing. */
    | "paused"
    /** No guest is let in until an admin lets it back. */
    | "quarantined";
  readonly sentence: string;
  /** The picture's size in pixels; absent before the first frame. */
  readonly width?: number;
  readonly height?: number;
  readonly encoder?: string;
  readonly adapter?: string;
};

/** What the viewer's token opened. */
export type Welcome = {
  readonly session: string;
  /** "view": the gateway takes no input from this viewer. */
  readonly role: "view" | "control" | "admin";
};

export type ServerToViewer = {
  /** The first message: the token is taken. */
  welcome: (welcome: Welcome) => void;
  description: (description: Description) => void;
  candidate: (candidate: Candidate | null) => void;
  session: (state: SessionState) => void;
  /** What the viewer connects with from now on, in exchange for its invitation. */
  token: (token: string) => void;
  /** The gateway ends this viewer's connection; it must not retry. */
  refused: (sentence: string) => void;
  /** There is no room now: the gateway ends this viewer's connection, and it may try again. */
  busy: (sentence: string) => void;
};

/** The `data` of the `connect_error` of a viewer that may try again; without it, its token is not taken. */
export const TRY_AGAIN = { tryAgain: true } as const;

export type ViewerToServer = {
  description: (description: Description) => void;
  candidate: (candidate: Candidate | null) => void;
};

/** Labels of the data channels that the gateway opens; both carry shared/input events as binary. */
export const INPUT_CHANNEL = "input"; // ordered, reliable: buttons, keys, wheel, resize
/**
 * The gateway's one message on INPUT_CHANNEL. Chrome may announce a channel as open before it is, and drops what is
 * sent to it then (RTCDataChannel: "Send failed INVALID_STATE"); what is sent after this message arrives.
 */
export const INPUT_READY = "ready";
export const MOVES_CHANNEL = "moves"; // unordered, no retransmission: pointer moves
/** Reliable JSON, gateway to viewer: see StatsMessage. */
export const STATS_CHANNEL = "stats";

/** The last second of this viewer's stream, one JSON text a second on STATS_CHANNEL. Rates are bits a second. */
export type StatsMessage = {
  /** Media sent to this viewer, resends included. */
  readonly bitrate: number;
  /** What the session's encoder is asked for: the least estimate of all viewers that are not far behind. */
  readonly targetBitrate: number;
  /** What this viewer's network is thought to carry. */
  readonly estimate: number;
  readonly framesSent: number;
  /** Frames left out because the network was too slow, since the viewer joined. */
  readonly framesDropped: number;
  /** Since the viewer joined. */
  readonly packetsLost: number;
  readonly packetsResent: number;
  /** Absent until it is measured. */
  readonly roundTripMs?: number;
  /** From the frame's GPU work done to its last packet at the socket; absent without frames. */
  readonly presentToSentMs?: { readonly p50: number; readonly p95: number };
  readonly viewers: number;
};
