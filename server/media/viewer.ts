import {
  MediaStreamTrack,
  type RTCDataChannel,
  RTCPeerConnection,
  RTCRtpCodecParameters,
  RTCRtpHeaderExtensionParameters,
  type RTCRtpTransceiver,
} from "werift";
import { isIPv6 } from "node:net";
import { TokenBucket } from "#shared/base/token-bucket.ts";
import { decodeInput, MAX_INPUT_BYTES } from "#shared/input/codec.ts";
import {
  type Candidate,
  type Description,
  INPUT_CHANNEL,
  INPUT_READY,
  MOVES_CHANNEL,
  STATS_CHANNEL,
  type StatsMessage,
} from "#shared/signaling/messages.ts";
import type { BitrateBounds, IceOptions } from "./messages.ts";
import {
  H264_PAYLOAD_TYPE,
  isUsableCandidate,
  readAnswer,
  RTX_PAYLOAD_TYPE,
  withoutHiddenCandidates,
} from "./negotiated.ts";
import type { MediaFrame } from "./pacer.ts";
import { ExtensionUri } from "./rtp-extensions.ts";
import { RtpStream, type StreamTotals } from "./rtp-stream.ts";
import {
  forgetDefaultStunServer,
  guardDatagrams,
  guardSctp,
  interceptRtcp,
} from "./werift-internals.ts";

export type ViewerEvents = {
  description(description: Description): void;
  candidate(candidate: Candidate | null): void;
  connected(): void;
  disconnected(): void;
  /** The viewer is closed; `reason` is a sentence. Not called for close(). */
  failed(reason: string): void;
  /** Bytes of one input event, checked. */
  input(event: Uint8Array): void;
  keyFrameWanted(): void;
  estimateChanged(): void;
  frameSent(presentToSentMs: number): void;
};

export type ViewerOptions = {
  readonly viewer: string;
  readonly control: boolean;
  readonly ice: IceOptions;
  readonly bitrates: BitrateBounds;
};

/** A viewer that did not connect until then is gone, and its sockets with it. */
const CONNECT_TIMEOUT_MS = 20_000;

/** Bounds the connectivity checks that a viewer can make this host send. */
export const MAX_CANDIDATES = 32;

/** Input events of one viewer, by either channel. A 1,000 Hz mouse stays under it; it bounds the work of every hop. */
export const MAX_INPUTS_PER_SECOND = 1000;

/** Stats that a viewer does not take in are not queued for it. */
export const MAX_STATS_QUEUED_BYTES = 16 * 1024;

/** H.264 constrained baseline, level 3.1 (RFC 6184, 8.1): the one profile that every browser has. */
const H264_PARAMETERS = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";

/** One operator's browser: a peer connection with one video stream and three data channels. */
export class Viewer {
  readonly #options: ViewerOptions;
  readonly #events: ViewerEvents;
  readonly #peer: RTCPeerConnection;
  readonly #video: RTCRtpTransceiver;
  readonly #stats: RTCDataChannel;
  readonly #connectTimer: NodeJS.Timeout;
  #stream: RtpStream | undefined;
  #bitrates: BitrateBounds;
  #answered = false;
  #candidates = 0;
  #bytesAtTick = 0;
  #framesAtTick = 0;
  #closed = false;

  constructor(options: ViewerOptions, events: ViewerEvents) {
    this.#options = options;
    this.#bitrates = options.bitrates;
    this.#events = events;
    this.#peer = new RTCPeerConnection({
      ...iceConfiguration(options.ice),
      bundlePolicy: "max-bundle",
      codecs: { audio: [], video: videoCodecs() },
      headerExtensions: {
        video: Object.values(ExtensionUri).map(
          (uri) => new RTCRtpHeaderExtensionParameters({ uri }),
        ),
      },
    });
    this.#video = this.#peer.addTransceiver(new MediaStreamTrack({ kind: "video" }), {
      direction: "sendonly",
    });
    this.#openInput(INPUT_CHANNEL);
    this.#openInput(MOVES_CHANNEL);
    this.#stats = this.#peer.createDataChannel(STATS_CHANNEL, { ordered: true });
    if (options.ice.servers.length === 0) forgetDefaultStunServer(this.#peer);
    guardDatagrams(this.#peer, (reason) => this.#fail(reason));
    guardSctp(this.#peer, (reason) => this.#fail(reason));
    this.#peer.onIceCandidate.subscribe((candidate) => {
      if (candidate?.candidate === undefined) this.#events.candidate(null);
      else this.#events.candidate(asMessage(candidate));
    });
    this.#peer.connectionStateChange.subscribe((state) => {
      if (state === "disconnected") this.#events.disconnected();
      if (state === "failed") this.#fail("The network path to the viewer failed.");
      if (state === "closed") this.#fail("The viewer closed its connection.");
    });
    // The picture may leave before the data channels are up.
    this.#video.sender.dtlsTransport.onStateChange.subscribe((state) => {
      if (state === "connected") this.#startStream();
    });
    this.#connectTimer = setTimeout(() => {
      this.#fail(`The viewer did not connect within ${CONNECT_TIMEOUT_MS / 1000} s.`);
    }, CONNECT_TIMEOUT_MS);
  }

  get isStreaming(): boolean {
    return this.#stream !== undefined;
  }

  get waitsForKeyFrame(): boolean {
    return this.#stream?.waitsForKeyFrame ?? false;
  }

  /** Bits a second; undefined before the viewer is connected. */
  get estimate(): number | undefined {
    return this.#stream?.estimate;
  }

  limitBitrate(bitrates: BitrateBounds): void {
    this.#bitrates = bitrates;
    if (this.#stream !== undefined) this.#stream.bitrates = bitrates;
  }

  get totals(): StreamTotals | undefined {
    return this.#stream?.totals;
  }

  async offer(): Promise<void> {
    const offer = await this.#peer.createOffer();
    if (this.#closed) return;
    this.#events.description({ type: "offer", sdp: offer.sdp });
    await this.#peer.setLocalDescription(offer);
  }

  async description(description: Description): Promise<void> {
    if (description.type !== "answer" || this.#answered) {
      throw new Error("A viewer's description is not the one answer to the offer.");
    }
    this.#answered = true;
    readAnswer(description.sdp);
    const sdp = withoutHiddenCandidates(description.sdp);
    await this.#peer.setRemoteDescription({ type: "answer", sdp });
  }

  async candidate(candidate: Candidate | null): Promise<void> {
    // The end of candidates is left out: it would end the wait for peer-reflexive ones.
    if (candidate === null || !isUsableCandidate(candidate.candidate)) return;
    this.#candidates += 1;
    if (this.#candidates > MAX_CANDIDATES) {
      throw new Error(`A viewer named over ${MAX_CANDIDATES} candidates.`);
    }
    const { sdpMid, sdpMLineIndex } = candidate;
    await this.#peer.addIceCandidate({
      candidate: candidate.candidate,
      ...(sdpMid === null ? {} : { sdpMid }),
      ...(sdpMLineIndex === null ? {} : { sdpMLineIndex }),
    });
  }

  frame(frame: MediaFrame): void {
    this.#stream?.frame(frame);
  }

  /** Once a second. */
  tick(targetBitrate: number, viewers: number, presentToSentMs: readonly number[]): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    stream.tick();
    const { bytesSent, framesSent, framesDropped, packetsLost, packetsResent, roundTripMs } =
      stream.totals;
    const sorted = presentToSentMs.toSorted((a, b) => a - b);
    const message: StatsMessage = {
      bitrate: (bytesSent - this.#bytesAtTick) * 8,
      targetBitrate,
      estimate: Math.round(stream.estimate),
      framesSent: framesSent - this.#framesAtTick,
      framesDropped,
      packetsLost,
      packetsResent,
      ...(roundTripMs === undefined ? {} : { roundTripMs }),
      ...(sorted.length === 0
        ? {}
        : { presentToSentMs: { p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95) } }),
      viewers,
    };
    this.#bytesAtTick = bytesSent;
    this.#framesAtTick = framesSent;
    const hasRoom = this.#stats.bufferedAmount < MAX_STATS_QUEUED_BYTES;
    if (this.#stats.readyState === "open" && hasRoom) this.#stats.send(JSON.stringify(message));
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#connectTimer);
    this.#stream?.[Symbol.dispose]();
    // Its sockets close on their own time; nobody waits for them.
    void this.#peer.close();
  }

  #fail(reason: string): void {
    if (this.#closed) return;
    this.close();
    this.#events.failed(reason);
  }

  #startStream(): void {
    if (this.#closed || this.#stream !== undefined) return;
    clearTimeout(this.#connectTimer);
    const answer = this.#peer.remoteDescription;
    if (answer === null) return;
    const { sender } = this.#video;
    const stream = new RtpStream(
      sender,
      readAnswer(answer.sdp),
      this.#peer.cname,
      this.#bitrates,
      this.#events,
    );
    this.#stream = stream;
    interceptRtcp(sender.dtlsTransport, (bytes) => {
      if (!this.#closed) stream.rtcp(bytes);
    });
    this.#events.connected();
  }

  #openInput(label: typeof INPUT_CHANNEL | typeof MOVES_CHANNEL): void {
    const isReliable = label === INPUT_CHANNEL;
    const channel = this.#peer.createDataChannel(
      label,
      isReliable ? { ordered: true } : { ordered: false, maxRetransmits: 0 },
    );
    if (isReliable) {
      channel.stateChanged.subscribe((state) => {
        if (state === "open" && !this.#closed) channel.send(INPUT_READY);
      });
    }
    // Each channel has its own: a burst of moves must not cost the key press that follows it.
    const rate = new TokenBucket(MAX_INPUTS_PER_SECOND, MAX_INPUTS_PER_SECOND);
    channel.onMessage.subscribe((data) => {
      if (!this.#options.control || this.#closed) return;
      if (!rate.take(performance.now())) {
        // A move that is left out is made good by the next; a key that is would stay down.
        if (!isReliable) return;
        this.#fail(`The viewer sent over ${MAX_INPUTS_PER_SECOND} input events in a second.`);
        return;
      }
      this.#input(data, isReliable);
    });
  }

  #input(data: string | Buffer, isReliable: boolean): void {
    try {
      if (typeof data === "string" || data.length > MAX_INPUT_BYTES) {
        throw new Error(`An input event is not up to ${MAX_INPUT_BYTES} bytes.`);
      }
      const { type } = decodeInput(data);
      if (!isReliable && type !== "pointermove") {
        throw new Error(`A ${type} event came over the channel for moves.`);
      }
      this.#events.input(Uint8Array.from(data));
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
    }
  }
}

function iceConfiguration(ice: IceOptions): ConstructorParameters<typeof RTCPeerConnection>[0] {
  const ipv6 = ice.hosts.filter((host) => isIPv6(host));
  const ipv4 = ice.hosts.filter((host) => !isIPv6(host));
  return {
    iceServers: ice.servers.map((server) => ({ ...server })),
    // werift's own enumeration of interfaces is off: only the hosts named here are listened on.
    iceUseIpv4: false,
    iceUseIpv6: false,
    iceAdditionalHostAddresses: [...ice.hosts],
    iceInterfaceAddresses: {
      ...(ipv4.length === 1 ? { udp4: ipv4[0]! } : {}),
      ...(ipv6.length === 1 ? { udp6: ipv6[0]! } : {}),
    },
    ...(ice.portRange === undefined ? {} : { icePortRange: [...ice.portRange] }),
  };
}

function videoCodecs(): RTCRtpCodecParameters[] {
  return [
    new RTCRtpCodecParameters({
      mimeType: "video/H264",
      clockRate: 90_000,
      payloadType: H264_PAYLOAD_TYPE,
      rtcpFeedback: [
        { type: "nack" },
        { type: "nack", parameter: "pli" },
        { type: "ccm", parameter: "fir" },
        { type: "transport-cc" },
      ],
      parameters: H264_PARAMETERS,
    }),
    new RTCRtpCodecParameters({
      mimeType: "video/rtx",
      clockRate: 90_000,
      payloadType: RTX_PAYLOAD_TYPE,
      parameters: `apt=${H264_PAYLOAD_TYPE}`,
    }),
  ];
}

function asMessage(candidate: {
  candidate?: string;
  sdpMid?: string | null;
  sdpMLineIndex?: number | null;
}): Candidate {
  return {
    candidate: candidate.candidate ?? "",
    sdpMid: candidate.sdpMid ?? null,
    sdpMLineIndex: candidate.sdpMLineIndex ?? null,
  };
}

function quantile(sorted: readonly number[], fraction: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(fraction * sorted.length))] ?? 0;
}
