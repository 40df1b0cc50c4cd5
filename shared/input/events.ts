// What an operator does, on its way from the viewer to the program: viewer → data channel → media →
// session → ingress → relay → guest. The bytes are the same all the way; every hop that does not
// trust the one before decodes them once to check them.

/** Keyboard modifiers, as bits. */
export const Modifier = { shift: 1, control: 2, alt: 4, meta: 8 } as const;

/** Positions are fractions (0 to 1) of the picture's width and height, so that scaling does not matter. */
export type PointerInput = {
  readonly type: "pointermove" | "pointerdown" | "pointerup" | "pointercancel";
  readonly x: number;
  readonly y: number;
  /** UI Events `button` (-1 for moves) and `buttons`. */
  readonly button: number;
  readonly buttons: number;
  readonly modifiers: number;
  readonly pointerId: number;
  readonly pointerType: "mouse" | "pen" | "touch";
};

export type WheelInput = {
  readonly type: "wheel";
  readonly x: number;
  readonly y: number;
  /** CSS pixels. */
  readonly deltaX: number;
  readonly deltaY: number;
  readonly modifiers: number;
};

/** `code` and `key` are UI Events values, e.g. "KeyA" and "a". */
export type KeyInput = {
  readonly type: "keydown" | "keyup";
  readonly code: string;
  readonly key: string;
  readonly repeat: boolean;
  readonly modifiers: number;
};

/** The viewer lost the keyboard: the program must let go of all keys and buttons. */
type BlurInput = { readonly type: "blur" };

/** The viewer's picture area in device pixels: the gateway turns this into a resize of the surface. */
export type ResizeInput = {
  readonly type: "resize";
  readonly width: number;
  readonly height: number;
  readonly devicePixelRatio: number;
};

export type InputEvent = PointerInput | WheelInput | KeyInput | BlurInput | ResizeInput;
