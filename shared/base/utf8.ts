// UTF-8 both ways. TextEncoder and TextDecoder are global in browsers and in Node alike, but the
// types here belong to neither, so the parts in use are declared.

declare const TextEncoder: new () => {
  encodeInto(
    source: string,
    target: Uint8Array,
  ): { readonly read: number; readonly written: number };
};
declare const TextDecoder: new (
  label: "utf-8",
  options: { readonly fatal: boolean; readonly ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string };

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The bytes that encodeUtf8Into writes. A lone surrogate counts as U+FFFD. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    length += unit < 0x800 ? 1 : 2;
    // A surrogate pair is two units and four bytes.
    if (unit >= 0xd800 && unit < 0xdc00 && isLowSurrogate(text.charCodeAt(index + 1))) index++;
  }
  return length;
}

/** Returns the bytes written; never cuts a character. */
export function encodeUtf8Into(text: string, target: Uint8Array): number {
  return encoder.encodeInto(text, target).written;
}

export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(utf8Length(text));
  encodeUtf8Into(text, bytes);
  return bytes;
}

/** Throws a TypeError where the bytes are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** The longest beginning of the text that fits in this many bytes. */
export function truncateUtf8(text: string, maxBytes: number): string {
  // A unit takes at most three bytes.
  if (text.length * 3 <= maxBytes || utf8Length(text) <= maxBytes) return text;
  const bytes = new Uint8Array(maxBytes);
  return text.slice(0, encoder.encodeInto(text, bytes).read);
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}
