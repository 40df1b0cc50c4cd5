import { Modifier } from "#shared/input/events.ts";

export type ModifierKeys = {
  readonly shiftKey: boolean;
  readonly ctrlKey: boolean;
  readonly altKey: boolean;
  readonly metaKey: boolean;
};

export function modifierBits(event: ModifierKeys): number {
  return (
    (event.shiftKey ? Modifier.shift : 0) |
    (event.ctrlKey ? Modifier.control : 0) |
    (event.altKey ? Modifier.alt : 0) |
    (event.metaKey ? Modifier.meta : 0)
  );
}
