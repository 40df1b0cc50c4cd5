import { describe, expect, test } from "vitest";
import { OutputAllowance } from "#server/player/output-allowance.ts";

const MEBIBYTE = 1024 * 1024;
const OVER =
  "The pictures take more than 1 MiB: those before are written; --output-mb allows more.";

describe("what pictures may take of the disk", () => {
  test.for<{ what: string; take: (allowance: OutputAllowance) => void; left: number }>([
    { what: "a file of all of it", take: (all) => all.takeFile(MEBIBYTE), left: 0 },
    {
      what: "files of a byte, each a block of the disk",
      take: (all) => {
        for (let files = 0; files < 256; files++) all.takeFile(1);
      },
      left: 0,
    },
    {
      what: "a packet, with its place in the index",
      take: (all) => all.takePacket(MEBIBYTE - 64),
      left: 0,
    },
    {
      what: "a file of a block and a byte, which is two blocks",
      take: (all) => all.takeFile(4097),
      left: MEBIBYTE - 8192,
    },
  ])("is taken by $what, and by no byte more", ({ take, left }) => {
    const allowance = new OutputAllowance(1);
    take(allowance);
    expect(() => allowance.takePacket(left - 63)).toThrow(OVER);
    if (left > 0) allowance.takePacket(left - 64);
    expect(() => allowance.takeFile(0)).toThrow(OVER);
  });
});
