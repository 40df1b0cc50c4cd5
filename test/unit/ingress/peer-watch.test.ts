import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PeerWatch } from "#server/ingress/peer-watch.ts";
import { PEER_TIMEOUT_MS, PING_INTERVAL_MS } from "#shared/link/guest-link.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
});

afterEach(() => {
  vi.useRealTimers();
});

function watchPeer() {
  const pings: Uint8Array[] = [];
  const roundTrips: number[] = [];
  const gone = vi.fn<() => void>();
  const watch = new PeerWatch(
    {
      ping: (payload) => pings.push(payload),
      roundTrip: (milliseconds) => roundTrips.push(milliseconds),
      gone,
    },
    PEER_TIMEOUT_MS,
  );
  return { watch, pings, roundTrips, gone };
}

test("a peer that answers stays, and its round trip is measured and smoothed", () => {
  const { watch, pings, roundTrips, gone } = watchPeer();
  for (const wait of [100, 100, 200]) {
    vi.advanceTimersByTime(wait);
    watch.pong(pings.at(-1)!);
    vi.advanceTimersByTime(PING_INTERVAL_MS - wait);
  }
  expect(roundTrips).toEqual([100, 100, 125]);
  expect(gone).not.toHaveBeenCalled();
  watch.close();
});

test("a peer of which nothing is heard is gone after the timeout, and not before", () => {
  const { watch, gone } = watchPeer();
  vi.advanceTimersByTime(PEER_TIMEOUT_MS);
  expect(gone).not.toHaveBeenCalled();
  vi.advanceTimersByTime(PING_INTERVAL_MS);
  expect(gone).toHaveBeenCalledOnce();
  watch.close();
});

test("time during which the peer is not read does not count", () => {
  const { watch, gone } = watchPeer();
  watch.reading = false;
  vi.advanceTimersByTime(10 * PEER_TIMEOUT_MS);
  watch.reading = true;
  vi.advanceTimersByTime(PEER_TIMEOUT_MS);
  expect(gone).not.toHaveBeenCalled();
  vi.advanceTimersByTime(PING_INTERVAL_MS);
  expect(gone).toHaveBeenCalled();
  watch.close();
});

test("a pong that is late, doubled or made up is no measurement", () => {
  const { watch, pings, roundTrips } = watchPeer();
  const [first] = pings;
  vi.advanceTimersByTime(PING_INTERVAL_MS);
  watch.pong(first!);
  watch.pong(new Uint8Array(4));
  watch.pong(new Uint8Array(125));
  expect(roundTrips).toEqual([]);
  watch.pong(pings.at(-1)!);
  watch.pong(pings.at(-1)!);
  expect(roundTrips).toHaveLength(1);
  watch.close();
});
