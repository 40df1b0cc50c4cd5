/** Of a key's event: pressed once, alone, and not for an input method. */
export const PLAIN_KEY = {
  repeat: false,
  isComposing: false,
  shiftKey: false,
  ctrlKey: false,
  altKey: false,
  metaKey: false,
} as const;
