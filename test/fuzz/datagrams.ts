import type { Random } from "./random.ts";
import { mutateBytes } from "./mutate.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

/** STUN (RFC 8489): requests, answers and indications, with and without what proves who asks. */
const STUN = [
  hex("0001 0000 2112a442 000000000000000000000001"),
  hex("0001 0008 2112a442 000000000000000000000002 8028 0004 00000000"),
  hex(
    "0001 0018 2112a442 000000000000000000000003 0006 0009 6162636465666768 69000000 0025 0000 0024 0004",
  ),
  hex("0101 000c 2112a442 000000000000000000000004 0020 0008 0001 a147 e112a643"),
  hex("0111 0008 2112a442 000000000000000000000005 0009 0004 00000487"),
  hex("0011 0000 2112a442 000000000000000000000006"),
  hex(
    "0001 001c 2112a442 000000000000000000000007 0008 0014 0000000000000000000000000000000000000000 00000000",
  ),
];

/** DTLS records (RFC 6347): hello, fragments that don't fit, alerts, application data of no session. */
const DTLS = [
  hex(
    "16 fefd 0000 000000000000 0036 01 00002a 0000 000000 00002a fefd" +
      "0000000000000000000000000000000000000000000000000000000000000000 00 00 0002 c02b 0100",
  ),
  hex("16 fefd 0000 000000000001 0010 01 ffffff 0000 000000 000004 00000000"),
  hex("16 fefd 0000 000000000002 0010 0b 000010 0003 fffff0 000004 00000000"),
  hex("16 fefd 0001 000000000000 0010 00000000000000000000000000000000"),
  hex("15 fefd 0000 000000000003 0002 02 28"),
  hex("14 fefd 0000 000000000004 0001 01"),
  hex("17 fefd 0001 000000000005 0018 000000000000000000000000000000000000000000000000"),
];

/** RTP and RTCP as they are on the network, which no key has made. */
const SRTP = [
  hex("8060 0001 00000000 01020304 00000000000000000000"),
  hex("90e0 0002 00000000 01020304 bede ffff 10aa"),
  hex("81c9 0007 00000001 00000000000000000000000000000000 80000001 00000000000000000000"),
  hex("80c8"),
];

/** What a network carries in one. */
const MOST_BYTES = 1500;

/** What anybody can send to a port of the media thread. */
export function datagram(random: Random): Buffer {
  if (random.chance(0.15)) return random.bytes(random.below(MOST_BYTES));
  const bytes = random.pick(random.pick([STUN, STUN, DTLS, DTLS, SRTP]));
  return random.chance(0.6) ? mutateBytes(random, bytes) : bytes;
}
