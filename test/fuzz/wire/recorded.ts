import { FrameReader, UpFrame } from "#shared/wire/frames.ts";
import { readVector, recordingVectors } from "#test/support/recordings.ts";
import { mutateList } from "../mutate.ts";
import type { Random } from "../random.ts";

/** Of cases, those that are what a real program sent. */
const RECORDED = 0.1;

/** What programs sent, as the recordings of the tree have it: long, right, and of commands that work with one another. */
export class RecordedStreams {
  readonly #streams: readonly (readonly Buffer[])[];

  private constructor(streams: readonly (readonly Buffer[])[]) {
    this.#streams = streams;
  }

  static async load(): Promise<RecordedStreams> {
    const vectors = await recordingVectors();
    return new RecordedStreams(await Promise.all(vectors.map(async ({ path }) => upFrames(path))));
  }

  /**
   * Now and then a recorded stream, changed, in place of the one that was made up. Chosen after that was made, so that a seed
   * makes up the same streams, whatever is recorded.
   */
  orElse(random: Random, madeUp: Buffer[]): Buffer[] {
    return random.chance(RECORDED) ? mutateList(random, random.pick(this.#streams)) : madeUp;
  }
}

/** Each a message of its kind and payload, without the hello. */
async function upFrames(file: string): Promise<Buffer[]> {
  const { up } = await readVector(file);
  const frames = new FrameReader();
  const messages: Buffer[] = [];
  for (const bytes of up) {
    for (const { kind, payload } of frames.push(bytes)) {
      if (kind !== UpFrame.hello) messages.push(Buffer.concat([Buffer.of(kind), payload]));
    }
  }
  return messages;
}
