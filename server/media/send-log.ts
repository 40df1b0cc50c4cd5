import type { PacketStatus } from "./rtcp.ts";

/** A packet that left and whose arrival the viewer reported, or its loss. Times are in milliseconds. */
export type SettledPacket = {
  readonly bytes: number;
  readonly sentAt: number;
  /** The viewer's clock; absent for a lost packet. */
  readonly arrivedAt?: number;
  /** Number of the probe that it was part of. */
  readonly probe?: number;
};

type Slot = { sequence: number; bytes: number; sentAt: number; probe: number | undefined };

/** Packets whose fate is not known. At 20 Mbit/s, two seconds; older ones are forgotten. */
const SLOTS = 4096;

/** Remembers what was sent under each transport-wide number until feedback settles it. */
export class SendLog {
  readonly #slots: (Slot | undefined)[] = Array.from({ length: SLOTS });

  sent(sequence: number, bytes: number, sentAt: number, probe?: number): void {
    this.#slots[sequence % SLOTS] = { sequence, bytes, sentAt, probe };
  }

  /** A packet that feedback names twice is settled once. */
  settle(packets: readonly PacketStatus[]): SettledPacket[] {
    const settled: SettledPacket[] = [];
    for (const { sequence, arrivedAt } of packets) {
      const slot = this.#slots[sequence % SLOTS];
      if (slot?.sequence !== sequence) continue;
      this.#slots[sequence % SLOTS] = undefined;
      settled.push({
        bytes: slot.bytes,
        sentAt: slot.sentAt,
        ...(arrivedAt === undefined ? {} : { arrivedAt }),
        ...(slot.probe === undefined ? {} : { probe: slot.probe }),
      });
    }
    return settled;
  }
}
