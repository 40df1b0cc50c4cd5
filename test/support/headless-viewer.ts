import { io, type Socket } from "socket.io-client";
import {
  RTCPeerConnection,
  RTCRtpCodecParameters,
  RTCRtpHeaderExtensionParameters,
  type RtpPacket,
} from "werift";
import { H264_PAYLOAD_TYPE } from "#server/media/negotiated.ts";
import { ExtensionUri } from "#server/media/rtp-extensions.ts";
import { forgetDefaultStunServer } from "#server/media/werift-internals.ts";
import {
  type ServerToViewer,
  SIGNALING_PATH,
  VIEWER_NAMESPACE,
  type ViewerToServer,
} from "#shared/signaling/messages.ts";
import { LOOPBACK_PEER } from "./loopback-peer.ts";

/** Sequence numbers (RFC 3550) are of 16 bits; of two, the one that is less than half of them ahead is the later. */
const SEQUENCES = 0x1_0000;

/**
 * An operator without a screen: real signaling, and a real WebRTC receiver of its own that takes the video and tells
 * when each frame was there whole. It decodes nothing, so that many fit on one machine beside the guests that they watch.
 */
export class HeadlessViewer implements AsyncDisposable {
  /** When each whole frame's last packet came, on performance.now()'s clock. */
  readonly frames: number[] = [];
  /** Frames of which a packet did not come, or not in its order. */
  broken = 0;
  /** How often the gateway ended its connection, its video's or the socket's. */
  lost = 0;
  readonly #socket: Socket<ServerToViewer, ViewerToServer>;
  readonly #waiting = new Set<() => void>();
  #peer: RTCPeerConnection | undefined;
  #sequence: number | undefined;
  #isBroken = false;

  private constructor(address: string, token: string) {
    this.#socket = io(address + VIEWER_NAMESPACE, {
      path: SIGNALING_PATH,
      auth: { token },
      transports: ["websocket"],
      forceNew: true,
    });
    this.#socket.on("description", ({ sdp }) => void this.#answer(sdp));
    this.#socket.on("disconnect", () => void this.lost++);
    this.#socket.on("refused", () => void this.lost++);
  }

  /** `link` is what an operator opens. Resolves with the first whole frame; the caller closes it. */
  static async watch(link: string): Promise<HeadlessViewer> {
    const { origin, hash } = new URL(link);
    const token = new URLSearchParams(hash.slice(1)).get("token");
    if (token === null) throw new Error(`The link ${origin} has no token.`);
    const viewer = new HeadlessViewer(origin, token);
    await viewer.framesMoreThan(0);
    return viewer;
  }

  /** Resolves once it has had more than so many whole frames. */
  async framesMoreThan(count: number): Promise<void> {
    while (this.frames.length <= count) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.removeAllListeners();
    this.#socket.disconnect();
    await this.#peer?.close();
  }

  async #answer(sdp: string): Promise<void> {
    await this.#peer?.close();
    this.#sequence = undefined;
    const peer = new RTCPeerConnection({
      ...LOOPBACK_PEER,
      codecs: { audio: [], video: [videoCodec()] },
      headerExtensions: {
        video: Object.values(ExtensionUri).map(
          (uri) => new RTCRtpHeaderExtensionParameters({ uri }),
        ),
      },
    });
    this.#peer = peer;
    peer.onTrack.subscribe((track) => {
      track.onReceiveRtp.subscribe((packet) => this.#take(packet));
    });
    await peer.setRemoteDescription({ type: "offer", sdp });
    forgetDefaultStunServer(peer);
    await peer.setLocalDescription(await peer.createAnswer());
    const answer = peer.localDescription?.sdp;
    if (answer !== undefined) this.#socket.emit("description", { type: "answer", sdp: answer });
  }

  #take({ header, payload }: RtpPacket): void {
    if (header.payloadType !== H264_PAYLOAD_TYPE || payload.length === 0) return;
    const { sequenceNumber } = header;
    const ahead = (sequenceNumber - (this.#sequence ?? sequenceNumber) + SEQUENCES) % SEQUENCES;
    if (ahead >= SEQUENCES / 2) return; // A resend: the gateway pads with them to measure the network.
    if (ahead > 0) this.#isBroken = true;
    this.#sequence = (sequenceNumber + 1) % SEQUENCES;
    if (!header.marker) return;
    if (this.#isBroken) this.broken++;
    else this.frames.push(performance.now());
    this.#isBroken = false;
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** As a browser answers the gateway's offer. */
function videoCodec(): RTCRtpCodecParameters {
  return new RTCRtpCodecParameters({
    mimeType: "video/H264",
    clockRate: 90_000,
    payloadType: H264_PAYLOAD_TYPE,
    rtcpFeedback: [{ type: "nack" }, { type: "nack", parameter: "pli" }, { type: "transport-cc" }],
    parameters: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
  });
}
