import { randomInt } from "node:crypto";
import type { RTCRtpSender } from "werift";
import { BandwidthEstimator } from "./bandwidth-estimator.ts";
import { monotonicMicroseconds } from "./clock.ts";
import type { BitrateBounds } from "./messages.ts";
import type { Negotiated } from "./negotiated.ts";
import { type MediaFrame, Pacer, type PacketSink } from "./pacer.ts";
import { readRtcp } from "./rtcp.ts";
import {
  absCaptureTime,
  absSendTime,
  ExtensionUri,
  NO_PLAYOUT_DELAY,
  ntpTime,
  transportWide,
  wallClock,
} from "./rtp-extensions.ts";
import { SendHistory, type SentPacket } from "./send-history.ts";
import { SendLog } from "./send-log.ts";
import { sendReport, sendRtp } from "./werift-internals.ts";

/** RTP clock of video: RFC 6184. */
const TICKS_PER_MICROSECOND = 0.09;

/** IP, UDP, RTP with extensions and SRTP's tag around a payload, about. */
const OVERHEAD_BYTES = 80;

/** A packet is not sent again while the last resend may be under way. */
const LEAST_RESEND_PAUSE_MS = 10;

/** Reports of which the viewer's answers are awaited. */
const REPORTS_KEPT = 8;

export type StreamEvents = {
  keyFrameWanted(): void;
  estimateChanged(): void;
  /** GPU work done to the last packet at the socket, in milliseconds. */
  frameSent(presentToSentMs: number): void;
};

export type StreamTotals = {
  readonly bytesSent: number;
  readonly framesSent: number;
  readonly framesDropped: number;
  readonly packetsLost: number;
  readonly packetsResent: number;
  readonly roundTripMs: number | undefined;
};

/** 90 kHz time of a frame captured at this time of CLOCK_MONOTONIC (µs), before the wrap at 2^32. */
export function rtpTicks(microseconds: number): number {
  return Math.floor(microseconds * TICKS_PER_MICROSECOND);
}

/** One viewer's video: numbers, paces and resends packets and adapts to the viewer's network. */
export class RtpStream implements Disposable {
  readonly #sender: RTCRtpSender;
  readonly #negotiated: Negotiated;
  readonly #cname: string;
  readonly #events: StreamEvents;
  readonly #estimator: BandwidthEstimator;
  readonly #pacer: Pacer;
  readonly #history = new SendHistory();
  readonly #log = new SendLog();
  readonly #reports: { compactTime: number; sentAt: number }[] = [];
  readonly #timestampOffset = randomInt(2 ** 32);
  #sequence = randomInt(2 ** 15);
  #rtxSequence = randomInt(2 ** 15);
  #transportSequence = 0;
  /** A viewer can show nothing before a key frame. */
  #waitsForKeyFrame = true;
  #packetsSent = 0;
  #payloadBytesSent = 0;
  #bytesSent = 0;
  #framesSent = 0;
  #framesDropped = 0;
  #packetsLost = 0;
  #packetsResent = 0;
  #roundTripMs: number | undefined;
  #packetsAtTick = 0;

  constructor(
    sender: RTCRtpSender,
    negotiated: Negotiated,
    cname: string,
    bitrates: BitrateBounds,
    events: StreamEvents,
  ) {
    this.#sender = sender;
    this.#negotiated = negotiated;
    this.#cname = cname;
    this.#events = events;
    this.#estimator = new BandwidthEstimator(bitrates);
    const sink: PacketSink = {
      sendMedia: (frame, index, probe) => this.#sendMedia(frame, index, probe),
      resend: (sequence, probe) => this.#resend(this.#history.get(sequence), probe),
      pad: (probe) => this.#resend(this.#history.latest, probe),
    };
    this.#pacer = new Pacer(sink, this.#estimator.estimate);
  }

  get waitsForKeyFrame(): boolean {
    return this.#waitsForKeyFrame;
  }

  get estimate(): number {
    return this.#estimator.estimate;
  }

  set bitrates(bitrates: BitrateBounds) {
    this.#estimator.bounds = bitrates;
    this.#useEstimate();
  }

  get totals(): StreamTotals {
    return {
      bytesSent: this.#bytesSent,
      framesSent: this.#framesSent,
      framesDropped: this.#framesDropped,
      packetsLost: this.#packetsLost,
      packetsResent: this.#packetsResent,
      roundTripMs: this.#roundTripMs,
    };
  }

  frame(frame: MediaFrame): void {
    if (this.#pacer.isBehind) {
      this.#framesDropped += this.#pacer.clear();
      this.#waitsForKeyFrame = true;
    }
    if (this.#waitsForKeyFrame && !frame.isKeyFrame) {
      if (this.#framesSent > 0) this.#framesDropped += 1;
      this.#events.keyFrameWanted();
      return;
    }
    this.#waitsForKeyFrame = false;
    this.#pacer.enqueue(frame);
    this.#probeIfDue();
  }

  /** A decrypted compound packet from the viewer. */
  rtcp(bytes: Buffer): void {
    const now = performance.now();
    for (const message of readRtcp(bytes)) {
      switch (message.type) {
        case "report":
          if (message.ssrc !== this.#sender.ssrc) break;
          this.#packetsLost = Math.max(this.#packetsLost, message.packetsLost);
          this.#measureRoundTrip(message.lastSenderReport, message.delay, now);
          break;
        case "nack":
          if (message.ssrc === this.#sender.ssrc) this.#answerNack(message.lost, now);
          break;
        case "keyFrame":
          if (message.ssrc === this.#sender.ssrc) this.#events.keyFrameWanted();
          break;
        case "transportFeedback":
          this.#estimator.feedback(this.#log.settle(message.packets), now);
          this.#useEstimate();
          break;
        default:
          message satisfies never;
      }
    }
  }

  /** Once a second. */
  tick(): void {
    const hasSent = this.#packetsSent !== this.#packetsAtTick;
    this.#packetsAtTick = this.#packetsSent;
    this.#estimator.silence(performance.now(), hasSent);
    this.#useEstimate();
    this.#probeIfDue();
    this.#report();
  }

  [Symbol.dispose](): void {
    this.#pacer[Symbol.dispose]();
  }

  #useEstimate(): void {
    this.#pacer.estimate = this.#estimator.estimate;
    this.#events.estimateChanged();
  }

  /** Probes are padded with resends, which a viewer without RTX would take for the stream's own. */
  #probeIfDue(): void {
    if (this.#negotiated.rtxPayloadType === undefined || this.#history.latest === undefined) return;
    const plan = this.#estimator.nextProbe(performance.now());
    if (plan !== undefined) this.#pacer.probe(plan);
  }

  #sendMedia(frame: MediaFrame, index: number, probe: number | undefined): number {
    const payload = frame.payloads[index]!;
    const isLast = index === frame.payloads.length - 1;
    const packet: SentPacket = {
      sequence: this.#sequence,
      timestamp: (frame.timestamp + this.#timestampOffset) % 2 ** 32,
      marker: isLast,
      payload,
      sentAt: performance.now(),
      resentAt: -Infinity,
    };
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#history.add(packet);
    this.#packetsSent += 1;
    this.#payloadBytesSent += payload.length;
    const extensions = this.#extensions(payload.length, probe);
    if (index === 0) this.#addFrameExtensions(extensions, frame);
    const sent = this.#send(
      { ...packet, ssrc: this.#sender.ssrc, payloadType: this.#negotiated.payloadType, extensions },
      payload.length,
    );
    if (isLast) {
      this.#framesSent += 1;
      void sent.then(() =>
        this.#events.frameSent((monotonicMicroseconds() - frame.capturedAt) / 1000),
      );
    }
    return payload.length + OVERHEAD_BYTES;
  }

  #resend(packet: SentPacket | undefined, probe: number | undefined): number {
    if (packet === undefined) return 0;
    const { payloadType, rtxPayloadType } = this.#negotiated;
    const extensions = this.#extensions(packet.payload.length, probe);
    this.#packetsResent += 1;
    if (rtxPayloadType === undefined) {
      const fields = { ...packet, ssrc: this.#sender.ssrc, payloadType, extensions };
      void this.#send(fields, packet.payload.length);
      return packet.payload.length + OVERHEAD_BYTES;
    }
    // RFC 4588, 4: the original number stands before the payload.
    const payload = Buffer.allocUnsafe(2 + packet.payload.length);
    payload.writeUInt16BE(packet.sequence);
    packet.payload.copy(payload, 2);
    const sequence = this.#rtxSequence;
    this.#rtxSequence = (this.#rtxSequence + 1) & 0xffff;
    void this.#send(
      {
        ...packet,
        sequence,
        payload,
        ssrc: this.#sender.rtxSsrc,
        payloadType: rtxPayloadType,
        extensions,
      },
      payload.length,
    );
    return payload.length + OVERHEAD_BYTES;
  }

  async #send(fields: Parameters<typeof sendRtp>[1], payloadBytes: number): Promise<void> {
    this.#bytesSent += payloadBytes + OVERHEAD_BYTES;
    await sendRtp(this.#sender, fields);
  }

  /** Every packet's own: when it left, and its number for congestion control. */
  #extensions(payloadBytes: number, probe: number | undefined): { id: number; payload: Buffer }[] {
    const ids = this.#negotiated.extensions;
    const extensions: { id: number; payload: Buffer }[] = [];
    const transportWideId = ids.get(ExtensionUri.transportWide);
    if (transportWideId !== undefined) {
      this.#transportSequence = (this.#transportSequence + 1) & 0xffff;
      this.#log.sent(
        this.#transportSequence,
        payloadBytes + OVERHEAD_BYTES,
        performance.now(),
        probe,
      );
      extensions.push({ id: transportWideId, payload: transportWide(this.#transportSequence) });
    }
    const absSendTimeId = ids.get(ExtensionUri.absSendTime);
    if (absSendTimeId !== undefined) {
      extensions.push({ id: absSendTimeId, payload: absSendTime(wallClock()) });
    }
    return extensions;
  }

  #addFrameExtensions(extensions: { id: number; payload: Buffer }[], frame: MediaFrame): void {
    const ids = this.#negotiated.extensions;
    const playoutDelayId = ids.get(ExtensionUri.playoutDelay);
    if (playoutDelayId !== undefined) {
      extensions.push({ id: playoutDelayId, payload: NO_PLAYOUT_DELAY });
    }
    const absCaptureTimeId = ids.get(ExtensionUri.absCaptureTime);
    if (absCaptureTimeId !== undefined) {
      const age = (monotonicMicroseconds() - frame.capturedAt) / 1000;
      extensions.push({ id: absCaptureTimeId, payload: absCaptureTime(wallClock() - age) });
    }
  }

  #answerNack(lost: readonly number[], now: number): void {
    const pause = Math.max(LEAST_RESEND_PAUSE_MS, this.#roundTripMs ?? 0);
    for (const sequence of lost) {
      const packet = this.#history.get(sequence);
      if (packet === undefined || now - packet.resentAt < pause) continue;
      packet.resentAt = now;
      this.#pacer.resend(sequence);
    }
  }

  #report(): void {
    if (this.#packetsSent === 0) return;
    const time = ntpTime(wallClock());
    this.#reports.push({
      compactTime: Number((time >> 16n) & 0xffff_ffffn),
      sentAt: performance.now(),
    });
    if (this.#reports.length > REPORTS_KEPT) this.#reports.shift();
    void sendReport(this.#sender, {
      ssrc: this.#sender.ssrc,
      cname: this.#cname,
      ntpTime: time,
      rtpTimestamp: (rtpTicks(monotonicMicroseconds()) + this.#timestampOffset) % 2 ** 32,
      packetCount: this.#packetsSent >>> 0,
      octetCount: this.#payloadBytesSent >>> 0,
    });
  }

  #measureRoundTrip(lastSenderReport: number, delay: number, now: number): void {
    const report = this.#reports.find(({ compactTime }) => compactTime === lastSenderReport);
    if (report === undefined) return;
    const roundTrip = Math.max(0, now - report.sentAt - delay * 1000);
    this.#roundTripMs = roundTrip;
    this.#estimator.roundTripMeasured(roundTrip);
  }
}
