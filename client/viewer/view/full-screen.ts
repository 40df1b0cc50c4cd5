/** In full screen some browsers let a page have the keys that the system or browser would take. */
type KeyboardLock = { readonly lock?: () => Promise<void>; readonly unlock?: () => void };

type MaybeLocking = Navigator & { readonly keyboard?: KeyboardLock };

export async function toggleFullScreen(): Promise<void> {
  const { keyboard }: MaybeLocking = navigator;
  try {
    if (document.fullscreenElement !== null) {
      keyboard?.unlock?.();
      await document.exitFullscreen();
    } else {
      await document.documentElement.requestFullscreen({ navigationUI: "hide" });
      await keyboard?.lock?.();
    }
  } catch {
    // The browser says itself why it did not; the page stays as it is.
  }
}
