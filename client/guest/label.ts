import { writeSetLabel } from "#shared/wire/gen/write-commands.ts";
import type { WireObject } from "./records.ts";

/** What the `label` attribute of every WebGPU object does when it is set. */
export function relabel(record: WireObject, label: string): void {
  record.label = label;
  if (record.id === 0) return; // Retired: the worker has nothing left to label.
  record.stream.record((writer) => writeSetLabel(writer, record.kind, record.id, label));
}
