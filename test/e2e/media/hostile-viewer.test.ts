import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type RTCDtlsTransport, RTCPeerConnection, useH264 } from "werift";
import { expect, test } from "vitest";
import { MediaThread } from "#server/media/media-thread.ts";
import { DEFAULT_BITRATES, type FromMedia, LOOPBACK_ICE } from "#server/media/messages.ts";
import { forgetDefaultStunServer } from "#server/media/werift-internals.ts";

/** A media thread of one session, whose viewers are werift's own and may send what they like. */
class Host implements AsyncDisposable {
  readonly messages: FromMedia[] = [];
  readonly deaths: Error[] = [];
  readonly #folder: string;
  readonly #peers: RTCPeerConnection[] = [];
  #media!: MediaThread;
  #waiting: (() => void)[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async start(): Promise<Host> {
    const host = new Host(await mkdtemp(path.join(tmpdir(), "media-")));
    host.#media = await MediaThread.start(
      { folder: host.#folder, ice: LOOPBACK_ICE, bitrates: DEFAULT_BITRATES },
      (message) => {
        host.messages.push(message);
        for (const wake of host.#waiting.splice(0)) wake();
      },
      (error) => host.deaths.push(error),
    );
    host.#media.post({ type: "openSession", session: "vm", nonce: "5e".repeat(32) });
    return host;
  }

  async told<T extends FromMedia["type"]>(
    type: T,
    viewer: string,
    fits: (message: Extract<FromMedia, { type: T }>) => boolean = () => true,
  ): Promise<Extract<FromMedia, { type: T }>> {
    const isIt = (message: FromMedia): message is Extract<FromMedia, { type: T }> =>
      message.type === type && "viewer" in message && message.viewer === viewer;
    for (;;) {
      const found = this.messages.filter(isIt).find(fits);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Resolves when its data channels are up. */
  async view(viewer: string): Promise<RTCDtlsTransport> {
    const peer = new RTCPeerConnection({
      iceServers: [],
      iceUseIpv4: false,
      iceUseIpv6: false,
      iceAdditionalHostAddresses: ["127.0.0.1"],
      iceInterfaceAddresses: { udp4: "127.0.0.1" },
      codecs: { audio: [], video: [useH264({ payloadType: 96 })] },
    });
    this.#peers.push(peer);
    const channel = peer.onDataChannel.asPromise();
    this.#media.post({ type: "addViewer", session: "vm", viewer, control: false });
    const { description } = await this.told("description", viewer);
    await peer.setRemoteDescription(description);
    forgetDefaultStunServer(peer);
    await peer.setLocalDescription(await peer.createAnswer());
    const sdp = peer.localDescription?.sdp ?? "";
    this.#media.post({ type: "description", viewer, description: { type: "answer", sdp } });
    await channel;
    return peer.sctpTransport!.dtlsTransport;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#peers.map((peer) => peer.close()));
    await this.#media.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** A SACK whose few bytes claim as many numbers as they can. */
function greedySack(): Buffer {
  const body = Buffer.alloc(12 + 4 * 280);
  body.writeUInt16BE(280, 8);
  for (let at = 12; at < body.length; at += 4) body.writeUInt16BE(0xffff, at + 2);
  const length = 4 + body.length;
  return Buffer.concat([Buffer.alloc(12), Buffer.of(3, 0, length >> 8, length & 0xff), body]);
}

test.for<{ what: string; packet: Buffer; says: RegExp }>([
  { what: "of one byte", packet: Buffer.alloc(1), says: /SCTP packet \(1 bytes\)/ },
  { what: "with a wrong checksum", packet: Buffer.alloc(12), says: /checksum/ },
  {
    what: "with a chunk of length 0",
    packet: Buffer.concat([Buffer.alloc(12), Buffer.of(4, 0, 0, 0)]),
    says: /chunk \(0 bytes\)/,
  },
  { what: "with a SACK of 18 million numbers", packet: greedySack(), says: /covers 18350080/ },
])(
  "an SCTP packet $what ends its viewer with a sentence, and nothing else",
  async ({ packet, says }) => {
    await using host = await Host.start();
    const bad = await host.view("bad");
    await bad.sendData(packet);
    const ended = await host.told("viewerState", "bad", ({ state }) => state === "failed");
    expect(ended.reason).toMatch(says);
    await host.view("good");
    expect(host.deaths).toEqual([]);
    expect(host.messages).not.toContainEqual(
      expect.objectContaining({ viewer: "good", state: "failed" }),
    );
  },
);
