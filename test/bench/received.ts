/// <reference lib="dom" />
import type { Page } from "puppeteer-core";

/** What the page's peer connections say of the video that came in. */
export type Received = {
  readonly framesReceived: number;
  readonly framesDropped: number;
  readonly packetsLost: number;
};

declare global {
  // oxlint-disable-next-line no-var
  var benchPeers: RTCPeerConnection[];
}

/** Runs in the page, before its own scripts: keeps the peer connections that they make. */
export function rememberPeers(): void {
  globalThis.benchPeers = [];
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      benchPeers.push(this);
    }
  };
}

export async function receivedSoFar(page: Page): Promise<Received> {
  return page.evaluate(async () => {
    const sum = { framesReceived: 0, framesDropped: 0, packetsLost: 0 };
    for (const peer of benchPeers) {
      for (const report of (await peer.getStats()).values()) {
        if (report.type !== "inbound-rtp" || report.kind !== "video") continue;
        sum.framesReceived += report.framesReceived ?? 0;
        sum.framesDropped += report.framesDropped ?? 0;
        sum.packetsLost += report.packetsLost ?? 0;
      }
    }
    return sum;
  });
}
