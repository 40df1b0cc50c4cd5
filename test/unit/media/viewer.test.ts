import { RTCPeerConnection, RTCRtpCodecParameters } from "werift";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { DEFAULT_BITRATES, LOOPBACK_ICE } from "#server/media/messages.ts";
import { H264_PAYLOAD_TYPE } from "#server/media/negotiated.ts";
import {
  MAX_CANDIDATES,
  MAX_STATS_QUEUED_BYTES,
  Viewer,
  type ViewerEvents,
} from "#server/media/viewer.ts";
import { forgetDefaultStunServer } from "#server/media/werift-internals.ts";
import { type Description, STATS_CHANNEL } from "#shared/signaling/messages.ts";
import { LOOPBACK_PEER } from "#test/support/loopback-peer.ts";

/** What the viewer said, of which a test waits for some. */
class Heard implements ViewerEvents {
  readonly offered = Promise.withResolvers<Description>();
  readonly isConnected = Promise.withResolvers<void>();
  readonly failures: string[] = [];

  description(description: Description): void {
    this.offered.resolve(description);
  }

  connected(): void {
    this.isConnected.resolve();
  }

  failed(reason: string): void {
    this.failures.push(reason);
  }

  candidate(): void {}
  disconnected(): void {}
  input(): void {}
  keyFrameWanted(): void {}
  estimateChanged(): void {}
  frameSent(): void {}
}

const createDataChannel = vi.spyOn(RTCPeerConnection.prototype, "createDataChannel");
let heard: Heard;
let viewer: Viewer;

beforeEach(() => {
  createDataChannel.mockClear();
  heard = new Heard();
  viewer = new Viewer(
    { viewer: "v", control: false, ice: LOOPBACK_ICE, bitrates: DEFAULT_BITRATES },
    heard,
  );
});
afterEach(() => {
  viewer.close();
});

const candidate = (port: number, address = "127.0.0.1") => ({
  candidate: `candidate:1 1 udp 2113937151 ${address} ${port} typ host generation 0`,
  sdpMid: "0",
  sdpMLineIndex: 0,
});

test("a viewer may name as many candidates as the limit, and not one more", async () => {
  for (let count = 1; count <= MAX_CANDIDATES; count++) {
    await viewer.candidate(candidate(count));
    await viewer.candidate(candidate(count, "hidden.local")); // Left out, and not counted.
  }
  await viewer.candidate(null);
  const oneMore = viewer.candidate(candidate(MAX_CANDIDATES + 1));
  await expect(oneMore).rejects.toThrow(`A viewer named over ${MAX_CANDIDATES} candidates.`);
});

/** A peer on loopback that takes the viewer's offer, as a browser does. The caller closes it. */
async function browser(): Promise<{ peer: RTCPeerConnection; received: () => unknown[] }> {
  const peer = new RTCPeerConnection({
    ...LOOPBACK_PEER,
    codecs: {
      audio: [],
      video: [
        new RTCRtpCodecParameters({
          mimeType: "video/H264",
          clockRate: 90_000,
          payloadType: H264_PAYLOAD_TYPE,
          parameters: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
        }),
      ],
    },
  });
  const received: unknown[] = [];
  peer.onDataChannel.subscribe((channel) => {
    if (channel.label !== STATS_CHANNEL) return;
    channel.onMessage.subscribe((text) => received.push(JSON.parse(String(text))));
  });
  await viewer.offer();
  await peer.setRemoteDescription(await heard.offered.promise);
  forgetDefaultStunServer(peer);
  await peer.setLocalDescription(await peer.createAnswer());
  await viewer.description({ type: "answer", sdp: peer.localDescription!.sdp });
  return { peer, received: () => received };
}

test("stats are left out while as much waits as the limit, and sent while one byte less does", async () => {
  const index = createDataChannel.mock.calls.findIndex(([label]) => label === STATS_CHANNEL);
  const stats = createDataChannel.mock.results[index]!.value;
  const { peer, received } = await browser();
  try {
    await heard.isConnected.promise;
    await expect.poll(() => stats.readyState).toBe("open");
    const viewersByWaiting = [
      [1, 0],
      [2, MAX_STATS_QUEUED_BYTES - 1],
      [3, MAX_STATS_QUEUED_BYTES],
      [4, 0],
    ] as const;
    for (const [viewers, waiting] of viewersByWaiting) {
      stats.bufferedAmount = waiting;
      viewer.tick(DEFAULT_BITRATES.start, viewers, []);
    }
    await expect.poll(received).toHaveLength(3);
    expect(received()).toMatchObject([{ viewers: 1 }, { viewers: 2 }, { viewers: 4 }]);
    expect(heard.failures).toEqual([]);
  } finally {
    await peer.close();
  }
});
