import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { encoderBackends } from "#server/encode/backends.ts";
import { Picture } from "#server/encode/picture.ts";
import { VideoEncoder } from "#server/encode/video-encoder.ts";
import { ACCESS_UNIT_HEADER_BYTES, AccessUnitFlag, MediaRequest } from "#server/media/messages.ts";

/**
 * The number of a frame stands in its top left corner, the least bit first, in blocks so wide and high. The last block
 * is white: a page that draws a video before it has a frame sees none.
 */
export const BLOCK = 24;
export const NUMBER_BITS = 16;

const BLACK = 16;
const WHITE = 235;

export type SourceOptions = {
  readonly socketPath: string;
  /** 32 bytes, hex. */
  readonly nonce: string;
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  /** Behind the number: nothing that changes, what is easy to predict, or what costs all bits there are. */
  readonly background: "still" | "scrolling" | "noisy";
};

/** Stands where a GPU worker would: a real encoder's stream over the worker's real socket. */
export class VideoSource implements AsyncDisposable {
  readonly #options: SourceOptions;
  readonly #socket: Socket;
  readonly #encoder: VideoEncoder;
  readonly #picture: Picture;
  readonly #pixels: Uint8Array;
  readonly #texture: Uint8Array;
  #number = 0;
  #keyFrameWanted = true;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();
  keyFrames = 0;
  bytes = 0;
  /** What the media thread asked for last. */
  bitrate: number | undefined;

  private constructor(options: SourceOptions, socket: Socket) {
    const { width, height } = options;
    this.#options = options;
    this.#socket = socket;
    this.#encoder = new VideoEncoder(
      encoderBackends().filter((backend) => backend.title === "libx264"),
    );
    this.#picture = new Picture("i420", width, height, width);
    this.#pixels = new Uint8Array(this.#picture.byteLength).fill(128);
    this.#texture = texture(width * 2, height);
    socket.on("data", (bytes: Buffer) => this.#request(bytes));
    // The media thread cuts its sockets when it ends.
    socket.on("error", () => socket.destroy());
  }

  static async dial(options: SourceOptions): Promise<VideoSource> {
    const socket = connect(options.socketPath);
    await once(socket, "connect");
    socket.write(Buffer.from(options.nonce, "hex"));
    return new VideoSource(options, socket);
  }

  /** The number of the frame that was sent last. */
  get lastNumber(): number {
    return this.#number - 1;
  }

  start(): void {
    const interval = 1000 / this.#options.frameRate;
    let due = performance.now();
    const next = (): void => {
      this.#work = this.sendFrame();
      due += interval;
      this.#timer = setTimeout(next, Math.max(0, due - performance.now()));
    };
    next();
  }

  /** Resolves when the last frame was handed over. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#work;
  }

  async sendFrame(): Promise<void> {
    await this.#work;
    const { width, height } = this.#options;
    this.#draw();
    const capturedAt = Number(process.hrtime.bigint()) / 1000;
    if (this.bitrate !== undefined) this.#encoder.retarget(this.bitrate);
    this.#picture.write(this.#pixels);
    const keyFrameWanted = this.#keyFrameWanted;
    this.#keyFrameWanted = false;
    const { payload, isKeyFrame } = await this.#encoder.encode(this.#picture, {
      isKeyFrame: keyFrameWanted,
      isAtRest: false,
      time: performance.now(),
    });
    if (isKeyFrame) this.keyFrames += 1;
    this.#socket.write(accessUnit(payload, { isKeyFrame, width, height, capturedAt }));
    this.bytes += payload.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#socket.destroy();
    this.#encoder.close();
    this.#picture.close();
  }

  #request(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) {
      const kind = bytes.readUInt8(at);
      at += 1;
      if (kind === MediaRequest.keyFrame) {
        this.#keyFrameWanted = true;
      } else {
        this.bitrate = bytes.readUInt32LE(at);
        at += 4;
      }
    }
  }

  #draw(): void {
    const { width, height, background } = this.#options;
    const scrolled = background === "still" ? 0 : (this.#number * 4) % width;
    for (let y = 0; y < height; y += 1) {
      const shaken = Math.imul(y + this.#number * height, 2_654_435_761) >>> 16;
      const from = y * width * 2 + (background === "noisy" ? shaken % width : scrolled);
      this.#pixels.set(this.#texture.subarray(from, from + width), y * width);
    }
    const marked = this.#number | (1 << (NUMBER_BITS - 1));
    for (let bit = 0; bit < NUMBER_BITS; bit += 1) {
      const luma = (marked >> bit) & 1 ? WHITE : BLACK;
      for (let y = 0; y < BLOCK; y += 1) {
        const at = y * width + bit * BLOCK;
        this.#pixels.fill(luma, at, at + BLOCK);
      }
    }
    this.#number += 1;
  }
}

/** One access unit as a worker hands it over. */
function accessUnit(
  payload: Uint8Array,
  fields: {
    readonly isKeyFrame: boolean;
    readonly width: number;
    readonly height: number;
    readonly capturedAt: number;
  },
): Buffer {
  const bytes = Buffer.alloc(ACCESS_UNIT_HEADER_BYTES + payload.length);
  bytes.writeUInt32LE(payload.length, 0);
  bytes.writeUInt8(fields.isKeyFrame ? AccessUnitFlag.keyFrame : 0, 4);
  bytes.writeUInt16LE(fields.width, 5);
  bytes.writeUInt16LE(fields.height, 7);
  bytes.writeDoubleLE(fields.capturedAt, 9);
  bytes.set(payload, ACCESS_UNIT_HEADER_BYTES);
  return bytes;
}

/** Patches of 8 by 8 pixels with a fixed pattern of greys. */
function texture(width: number, height: number): Uint8Array {
  const luma = new Uint8Array(width * height);
  const columns = Math.ceil(width / 8);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const patch = (x >> 3) + (y >> 3) * columns;
      luma[y * width + x] = 40 + (Math.imul(patch, 2_654_435_761) >>> 25) + ((x ^ y) & 15);
    }
  }
  return luma;
}
