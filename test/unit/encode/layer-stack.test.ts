import { expect, test } from "vitest";
import { KEEP_TOP_MS, LayerStack } from "#server/worker/layer-stack.ts";

type Step = readonly [time: number, surface: string, shown: boolean];

test.each<{ name: string; steps: readonly Step[]; top: string }>([
  {
    name: "the only surface",
    steps: [
      [0, "a", true],
      [1, "a", true],
    ],
    top: "a",
  },
  {
    name: "a surface's first frame",
    steps: [
      [0, "a", true],
      [1, "b", true],
    ],
    top: "b",
  },
  {
    name: "the newer of two that draw",
    steps: [
      [0, "a", true],
      [1, "b", true],
      [16, "a", false],
      [17, "b", true],
      [32, "a", false],
    ],
    top: "b",
  },
  {
    name: "the older while the newer has rested no longer than it keeps the picture",
    steps: [
      [0, "a", true],
      [1, "b", true],
      [1 + KEEP_TOP_MS, "a", false],
    ],
    top: "b",
  },
  {
    name: "the older once the newer has rested longer",
    steps: [
      [0, "a", true],
      [1, "b", true],
      [2 + KEEP_TOP_MS, "a", true],
      [600, "b", false],
    ],
    top: "a",
  },
])("shown is $name", ({ steps, top }) => {
  const layers = new LayerStack<string>();
  expect(layers.top).toBeUndefined();
  for (const [time, surface, shown] of steps) {
    expect(layers.present(surface, time), `${surface} at ${time} ms`).toBe(shown);
  }
  expect(layers.top).toBe(top);
});

test("a surface that goes uncovers the one below", () => {
  const layers = new LayerStack<string>();
  for (const [time, surface] of ["a", "b", "c"].entries()) layers.present(surface, time);
  layers.release("b");
  layers.release("c");
  layers.release("never there");
  expect(layers.top).toBe("a");
  layers.release("a");
  expect(layers.top).toBeUndefined();
  expect(layers.present("b", 3)).toBe(true);
});
