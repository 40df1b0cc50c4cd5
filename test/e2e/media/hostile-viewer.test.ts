import { createSocket } from "node:dgram";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { type RTCDataChannel, type RTCDtlsTransport, RTCPeerConnection, useH264 } from "werift";
import { expect, test } from "vitest";
import { MediaThread } from "#server/media/media-thread.ts";
import { DEFAULT_BITRATES, type FromMedia, LOOPBACK_ICE } from "#server/media/messages.ts";
import { forgetDefaultStunServer } from "#server/media/werift-internals.ts";
import { STATS_CHANNEL } from "#shared/signaling/messages.ts";
import { LOOPBACK_PEER } from "#test/support/loopback-peer.ts";

/** A media thread of one session, whose viewers are werift's own and may send what they like. */
class Host implements AsyncDisposable {
  readonly messages: FromMedia[] = [];
  readonly deaths: Error[] = [];
  readonly #folder: string;
  readonly #peers: RTCPeerConnection[] = [];
  /** Of each viewer, the next message that its stats channel brings. */
  readonly #stats = new Map<string, () => Promise<unknown>>();
  #media!: MediaThread;
  #waiting: (() => void)[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async start(): Promise<Host> {
    const host = new Host(await mkdtemp(path.join(tmpdir(), "media-")));
    host.#media = await MediaThread.start(
      { ice: LOOPBACK_ICE, bitrates: DEFAULT_BITRATES },
      (message) => {
        host.messages.push(message);
        for (const wake of host.#waiting.splice(0)) wake();
      },
      (error) => host.deaths.push(error),
    );
    host.#media.post({ type: "openSession", session: "vm" });
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
      ...LOOPBACK_PEER,
      codecs: { audio: [], video: [useH264({ payloadType: 96 })] },
    });
    this.#peers.push(peer);
    const channel = peer.onDataChannel.asPromise();
    this.#stats.set(viewer, nextStats(peer));
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

  /** What the viewer hears from now on, encrypted by the keys of its first handshake. */
  async heard(viewer: string): Promise<string> {
    return String(await this.#stats.get(viewer)?.());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#peers.map((peer) => peer.close()));
    await this.#media.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function nextStats(peer: RTCPeerConnection): () => Promise<unknown> {
  const stats = new Promise<RTCDataChannel>((resolve) => {
    peer.onDataChannel.subscribe((channel) => {
      if (channel.label === STATS_CHANNEL) resolve(channel);
    });
  });
  return async () => {
    const [message] = await (await stats).onMessage.asPromise();
    return message;
  };
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

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

/** RTP of 34 bytes whose header extension claims 256 KiB: werift would work on it for minutes. */
const ENDLESS_EXTENSION = hex(`90e00002 00000000 01020304 bedeffff 10aa ${"00".repeat(16)}`);
const ALERT = hex("15 fefd 0000 000000000009 0002 01 00");
const HELLO = hex(
  "16 fefd 0000 00000000000a 0036 01 00002a 0000 000000 00002a fefd" +
    "0000000000000000000000000000000000000000000000000000000000000000 00 00 0002 c02b 0100",
);

test.for<{ what: string; bytes: Buffer }>([
  { what: "RTP with an endless header extension", bytes: ENDLESS_EXTENSION },
  { what: "a plain DTLS alert, which closes", bytes: ALERT },
  { what: "a plain DTLS hello, which begins anew", bytes: HELLO },
])(
  "a stranger's datagram ($what) changes nothing for a viewer whose port it found",
  async ({ bytes }) => {
    await using host = await Host.start();
    const viewer = await host.view("watched");
    const { candidate } = await host.told(
      "candidate",
      "watched",
      (told) => told.candidate !== null,
    );
    const [, port] = / 127\.0\.0\.1 (\d+) typ host/.exec(candidate?.candidate ?? "") ?? [];
    const stranger = createSocket("udp4");
    await new Promise((resolve) => stranger.send(bytes, Number(port), "127.0.0.1", resolve));
    stranger.close();
    // The thread has read it when it answers the next viewer; and what it says to the first still comes by its way.
    await host.view("another");
    expect(await host.heard("watched")).toMatch(/"viewers":/);
    expect(viewer.state).toBe("connected");
    expect(host.messages).not.toContainEqual(expect.objectContaining({ state: "failed" }));
  },
);

test("RTP with an endless header extension does not hold the thread either where a viewer sends it", async () => {
  await using host = await Host.start();
  const { iceTransport } = await host.view("bad");
  await iceTransport.connection.send(ENDLESS_EXTENSION);
  const start = performance.now();
  await host.view("good");
  expect(performance.now() - start).toBeLessThan(5000);
});

test("a viewer whose handshake claims a message of 16 MiB is ended with a sentence", async () => {
  await using host = await Host.start();
  const { iceTransport } = await host.view("bad");
  await iceTransport.connection.send(
    hex("16 fefd 0000 000000000001 0010 0b ffffff 0000 000000 000004 00000000"),
  );
  const ended = await host.told("viewerState", "bad", ({ state }) => state === "failed");
  expect(ended.reason).toMatch(/claims 16777215 bytes/);
  await host.view("good");
});

test("a viewer that begins handshakes without end is ended with a sentence", async () => {
  await using host = await Host.start();
  const { iceTransport } = await host.view("bad");
  const ended = host.told("viewerState", "bad", ({ state }) => state === "failed");
  const part = hex("16 fefd 0000 000000000001 0010 0b 000010 0003 000000 000004 00000000");
  const many = Buffer.concat(Array.from({ length: 30 }, () => part));
  // Datagrams may be lost: more are sent than it takes.
  for (let left = 200; left > 0; left--) {
    await iceTransport.connection.send(many);
    await turn();
  }
  expect((await ended).reason).toMatch(/over 1000 records/);
  await host.view("good");
});
