import type { Context, GeneratedFile } from "./context.ts";
import { generateGuestDictionaries } from "./generate-guest-dictionaries.ts";
import { generateGuestEncoders } from "./generate-guest-encoders.ts";
import { generateGuestSlots } from "./generate-guest-slots.ts";

/** All that the guest library has of generated code. */
export function generateGuest(context: Context): readonly GeneratedFile[] {
  return [
    ...generateGuestSlots(context),
    ...generateGuestDictionaries(context),
    ...generateGuestEncoders(context),
  ];
}
