/**
 * WebCodecs' VideoFrame, see https://www.w3.org/TR/webcodecs/#videoframe-interface. Nothing here decodes video, so that
 * there is no instance; libraries ask of their images whether they are one.
 */
export function VideoFrame(): never {
  throw new DOMException(
    "There are no video frames here: give WebGPU an image, a 2D canvas or image data instead.",
    "NotSupportedError",
  );
}
