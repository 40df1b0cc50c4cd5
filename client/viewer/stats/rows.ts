import type { SessionState } from "#shared/signaling/messages.ts";
import type { GatewayStats } from "./gateway-stats.ts";
import type { Rates, Sample } from "./sample.ts";

// The statistics as a person reads them. No DOM here.

export type Row = { readonly name: string; readonly value: string };

const UNKNOWN = "–";

const row = (name: string, value: string | undefined): Row => ({ name, value: value ?? UNKNOWN });

export type StatsSources = {
  readonly session?: SessionState | undefined;
  readonly sample?: Sample | undefined;
  readonly rates?: Rates | undefined;
  readonly gateway?: GatewayStats | undefined;
};

export function statsRows({ session, sample, rates, gateway }: StatsSources): readonly Row[] {
  const size = sample !== undefined && sample.width > 0 ? sample : session;
  const target = gateway?.targetBitrate;
  const roundTrip = rates?.roundTrip ?? gateway?.roundTripMs;
  return [
    row("Picture", formatSize(size?.width, size?.height)),
    row("Frame rate", rates && `${rates.framesPerSecond.toFixed(1)} fps`),
    row("Bit rate", rates && formatBitRate(rates.bitsPerSecond)),
    row("Target", target === undefined ? undefined : formatBitRate(target)),
    row("Encoder", session?.encoder),
    row("Adapter", session?.adapter),
    row("Host", formatMilliseconds(gateway?.presentToSentMs)),
    row("Round trip", formatMilliseconds(roundTrip)),
    row("Jitter buffer", formatMilliseconds(rates?.buffer)),
    row("Decoding", formatMilliseconds(rates?.decode)),
    row("Latency, about", formatMilliseconds(latency(gateway?.presentToSentMs, roundTrip, rates))),
    row(
      "Frames dropped",
      sample && rates && formatCount(rates.framesDropped, sample.framesDropped),
    ),
    row("Viewers", gateway?.viewers?.toString()),
    row("Packets lost", sample && rates && formatLoss(rates, sample)),
  ];
}

export function formatBitRate(bitsPerSecond: number): string {
  if (bitsPerSecond < 999_500) return `${Math.round(bitsPerSecond / 1_000)} kbit/s`;
  return `${(bitsPerSecond / 1_000_000).toFixed(1)} Mbit/s`;
}

function formatSize(width: number | undefined, height: number | undefined): string | undefined {
  return width === undefined || height === undefined ? undefined : `${width} × ${height}`;
}

function formatMilliseconds(milliseconds: number | undefined): string | undefined {
  if (milliseconds === undefined) return undefined;
  return `${milliseconds < 10 ? milliseconds.toFixed(1) : Math.round(milliseconds)} ms`;
}

/** From the frame drawn on the host to the frame on the page: host, half the round trip, buffer, decoder. */
function latency(
  host: number | undefined,
  roundTrip: number | undefined,
  rates: Rates | undefined,
): number | undefined {
  if (roundTrip === undefined || rates?.buffer === undefined) return undefined;
  return (host ?? 0) + roundTrip / 2 + rates.buffer + (rates.decode ?? 0);
}

function formatCount(now: number, inAll: number): string {
  return `${now} now, ${inAll} in all`;
}

function formatLoss(rates: Rates, sample: Sample): string {
  const share = (rates.lossShare * 100).toFixed(1);
  return `${rates.packetsLost} now (${share} %), ${Math.max(0, sample.packetsLost)} in all`;
}
