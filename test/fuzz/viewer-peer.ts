import { type RTCDataChannel, RTCPeerConnection, useH264 } from "werift";
import { io, type Socket } from "socket.io-client";
import { forgetDefaultStunServer } from "#server/media/werift-internals.ts";
import {
  type Candidate,
  type Description,
  type ServerToViewer,
  SIGNALING_PATH,
  VIEWER_NAMESPACE,
  type ViewerToServer,
} from "#shared/signaling/messages.ts";
import { within } from "./deadline.ts";
import { LOOPBACK_PEER } from "#test/support/loopback-peer.ts";

/** On loopback; a viewer whose answer makes no sense never connects. */
const CONNECT_MS = 1500;

/** A viewer without a browser, whose every layer may be reached past. */
export class ViewerPeer implements AsyncDisposable {
  readonly peer: RTCPeerConnection;
  /** UDP ports of the media thread. */
  readonly ports: number[] = [];
  readonly channels = new Map<string, RTCDataChannel>();
  /** Of the stats channel, one a second while its stream is up. */
  statsReceived = 0;
  readonly #signaling: Socket<ServerToViewer, ViewerToServer>;
  readonly #ended: Promise<void>;
  readonly #candidates: Candidate[] = [];
  #isReachable: () => void = () => {};
  /** Resolves with the first of the ports. */
  readonly reachable = new Promise<void>((resolve) => {
    this.#isReachable = resolve;
  });

  private constructor(signaling: Socket<ServerToViewer, ViewerToServer>) {
    this.#signaling = signaling;
    this.peer = new RTCPeerConnection({
      ...LOOPBACK_PEER,
      codecs: { audio: [], video: [useH264({ payloadType: 96 })] },
    });
    this.peer.onDataChannel.subscribe((channel) => {
      this.channels.set(channel.label, channel);
      channel.onMessage.subscribe(() => {
        if (channel.label === "stats") this.statsReceived++;
      });
    });
    this.#ended = new Promise((resolve) => signaling.once("disconnect", () => resolve()));
    signaling.on("candidate", (candidate) => this.#candidate(candidate));
  }

  /** Has the gateway's offer. `url` is the gateway's. */
  static async join(
    url: string,
    token: string,
  ): Promise<{ viewer: ViewerPeer; offer: Description }> {
    const signaling: Socket<ServerToViewer, ViewerToServer> = io(`${url}${VIEWER_NAMESPACE}`, {
      path: SIGNALING_PATH,
      transports: ["websocket"],
      reconnection: false,
      forceNew: true,
      auth: { token },
    });
    const viewer = new ViewerPeer(signaling);
    const offer = await new Promise<Description>((resolve, reject) => {
      signaling.once("description", resolve);
      signaling.once("connect_error", reject);
      signaling.once("refused", (sentence) => reject(new Error(sentence)));
      signaling.once("disconnect", () => reject(new Error("The gateway let go of the viewer.")));
    });
    return { viewer, offer };
  }

  /** Answers with what `alter` makes of a good answer. Resolves with whether all is connected in time. */
  async answer(
    offer: Description,
    alter: (sdp: string) => string,
    patienceMs = CONNECT_MS,
  ): Promise<boolean> {
    const { peer } = this;
    await peer.setRemoteDescription(offer);
    for (const candidate of this.#candidates.splice(0)) this.#addCandidate(candidate);
    forgetDefaultStunServer(peer);
    const up = new Promise<true>((resolve) => {
      peer.onDataChannel.subscribe(() => {
        if (this.channels.size === CHANNELS) resolve(true);
      });
    });
    await peer.setLocalDescription(await peer.createAnswer());
    const sdp = alter(peer.localDescription?.sdp ?? "");
    this.#signaling.emit("description", { type: "answer", sdp });
    return (await within(patienceMs, Promise.race([up, this.#ended]))) === true;
  }

  get isConnected(): boolean {
    return this.#signaling.connected && this.peer.connectionState === "connected";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#signaling.disconnect();
    await this.peer.close();
  }

  #candidate(candidate: Candidate | null): void {
    const [, port] = / 127\.0\.0\.1 (\d+) typ host/.exec(candidate?.candidate ?? "") ?? [];
    if (port !== undefined) this.ports.push(Number(port));
    this.#isReachable();
    if (candidate === null) return;
    if (this.peer.remoteDescription === null) this.#candidates.push(candidate);
    else this.#addCandidate(candidate);
  }

  #addCandidate({ candidate }: Candidate): void {
    // One that comes late is of no use to a peer that is gone.
    this.peer.addIceCandidate({ candidate, sdpMid: "0", sdpMLineIndex: 0 }).catch(() => undefined);
  }
}

/** Input, moves and stats. */
const CHANNELS = 3;
