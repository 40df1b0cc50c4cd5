import type { StatsMessage } from "#shared/signaling/messages.ts";
import { Members } from "./members.ts";

/** What the panel shows of a StatsMessage; a gateway of another version may tell less. */
export type GatewayStats = {
  readonly targetBitrate: number | undefined;
  readonly roundTripMs: number | undefined;
  /** Median of the last second, from the frame's GPU work done to its last packet at the socket. */
  readonly presentToSentMs: number | undefined;
  /** Of the session, this one included. */
  readonly viewers: number | undefined;
};

/** Undefined when the text is not JSON. */
export function readGatewayStats(text: string): GatewayStats | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const members = new Members(value);
  const number = (name: keyof StatsMessage): number | undefined => members.maybe(name);
  return {
    targetBitrate: number("targetBitrate"),
    roundTripMs: number("roundTripMs"),
    viewers: number("viewers"),
    presentToSentMs: members.inner("presentToSentMs" satisfies keyof StatsMessage).maybe("p50"),
  };
}
