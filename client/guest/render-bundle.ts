import { ObjectKind } from "#shared/wire/gen/numbers.ts";
import { writeRenderBundleEncoderFinish } from "#shared/wire/gen/write-commands.ts";
import { toGPURenderBundleDescriptor } from "./gen/dictionaries.ts";
import { GPURenderBundle } from "./gen/plain-objects.ts";
import { GPURenderBundleSlot } from "./gen/slots.ts";
import { DeviceObject, type Records } from "./records.ts";
import { wrapTracked } from "./wrap.ts";

/** GPURenderBundleEncoder.finish. The bundle holds what its commands use. */
export function finishRenderBundle(
  encoder: Records["GPURenderBundleEncoder"],
  descriptor: unknown,
): globalThis.GPURenderBundle {
  const { stream, device, holder } = encoder;
  const typed = toGPURenderBundleDescriptor(descriptor);
  stream.useRenderBundleEncoder(encoder);
  const kind = ObjectKind.GPURenderBundle;
  const handle = stream.create(kind, (writer, made) =>
    writeRenderBundleEncoderFinish(writer, made, typed),
  );
  stream.retire(encoder);
  const record = new DeviceObject(device, kind, handle, typed.label ?? "", holder.take());
  return wrapTracked(GPURenderBundle.prototype, GPURenderBundleSlot, record);
}
