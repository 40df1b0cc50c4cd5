/** A picture for tests: RGBA, rows of width * 4 bytes without gaps. */
export type TestPicture = {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8Array<ArrayBuffer>;
};

export const COLOR_BARS: readonly (readonly [number, number, number])[] = [
  [255, 255, 255],
  [255, 255, 0],
  [0, 255, 255],
  [0, 255, 0],
  [255, 0, 255],
  [255, 0, 0],
  [0, 0, 255],
  [0, 0, 0],
  [128, 128, 128],
  [191, 64, 32],
];

/** Upright bars of equal width, one a colour of COLOR_BARS. */
export function colorBars(width: number, height: number): TestPicture {
  return paint(width, height, (x) => COLOR_BARS[Math.floor((x * COLOR_BARS.length) / width)]!);
}

/** The colour in the middle of each bar. */
export function barColors({ width, height, rgba }: TestPicture): number[][] {
  return COLOR_BARS.map((_, bar) => {
    const x = Math.floor(((bar + 0.5) * width) / COLOR_BARS.length);
    const at = (Math.floor(height / 2) * width + x) * 4;
    return [...rgba.subarray(at, at + 3)];
  });
}

/** Colours that change by no more than 2 of 255 from a pixel to the next: shows a row or column that went wrong. */
export function gradient(width: number, height: number): TestPicture {
  return paint(width, height, (x, y) => [wave(2 * x), wave(2 * y), wave(x + y)]);
}

/** A sky, a chequered floor and shaded balls: what a lit 3D scene asks of an encoder. `time` moves all of it. */
export function ballScene(width: number, height: number, time: number): TestPicture {
  const balls = Array.from({ length: 9 }, (_, i) => {
    const angle = i * 0.7 + time;
    return {
      x: width * (0.5 + 0.38 * Math.cos(angle) * Math.sin(i)),
      y: height * (0.55 + 0.3 * Math.sin(angle * 1.3 + i)),
      radius: height * (0.06 + 0.02 * (i % 4)),
      color: [(i * 67) % 256, (i * 131 + 60) % 256, (i * 29 + 120) % 256] as const,
    };
  });
  const horizon = height * 0.45;
  return paint(width, height, (x, y) => {
    for (const ball of balls) {
      const dx = (x - ball.x) / ball.radius;
      const dy = (y - ball.y) / ball.radius;
      const square = dx * dx + dy * dy;
      if (square >= 1) continue;
      const light = Math.max(0, -0.5 * dx - 0.6 * dy + 0.62 * Math.sqrt(1 - square));
      const shine = light ** 20 * 160;
      const [r, g, b] = ball.color;
      const shade = 0.2 + 0.8 * light;
      return [r * shade + shine, g * shade + shine, b * shade + shine];
    }
    const height01 = y / horizon;
    if (height01 < 1) return [60 + 80 * height01, 110 + 90 * height01, 200 + 40 * height01];
    const depth = (height * 0.4) / (y - horizon + 4);
    const across = Math.floor((((x - width / 2) * depth) / height) * 6 + time);
    const along = Math.floor(depth * 8 + time * 2);
    const tile = ((across + along) & 1) === 0 ? 70 : 190;
    const fog = Math.min(1, depth / 6);
    return [
      tile * (1 - fog) + 140 * fog,
      tile * 0.95 * (1 - fog) + 200 * fog,
      tile * 0.9 * (1 - fog) + 240 * fog,
    ];
  });
}

function wave(value: number): number {
  return Math.abs(((value + 40) % 510) - 255);
}

function paint(
  width: number,
  height: number,
  color: (x: number, y: number) => readonly [number, number, number],
): TestPicture {
  const rgba = new Uint8Array(width * height * 4);
  const clamped = new Uint8ClampedArray(rgba.buffer);
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [r, g, b] = color(x, y);
      clamped[at++] = r;
      clamped[at++] = g;
      clamped[at++] = b;
      clamped[at++] = 255;
    }
  }
  return { width, height, rgba };
}
