import { type Element, HTMLCanvasElement, HTMLElement } from "happy-dom";

/** CSS pixels. */
export type Size = { readonly width: number; readonly height: number };

/** The window as the operator sees it: its inner size in CSS pixels. */
export type PageSize = Size & { readonly devicePixelRatio: number };

/**
 * The size of an element in CSS pixels. There is no layout engine here: every element stands at the
 * window's top left; a canvas is as large as its style, else its attributes, say; any other element
 * fills its parent, in the end the window, unless its style names a length.
 */
export function layoutSize(element: Element, page: Size): Size {
  const style = element instanceof HTMLElement ? element.style : undefined;
  if (style?.display === "none") return { width: 0, height: 0 };
  const parent = element.parentElement;
  const around = parent === null ? page : layoutSize(parent, page);
  const width = cssLength(style?.width, around.width, page);
  const height = cssLength(style?.height, around.height, page);
  if (!(element instanceof HTMLCanvasElement)) {
    return { width: width ?? around.width, height: height ?? around.height };
  }
  // A canvas is a replaced element: the side that the style leaves out keeps the picture's shape.
  const shape = element.width / element.height;
  if (width !== undefined && height !== undefined) return { width, height };
  if (width !== undefined) return { width, height: width / shape };
  if (height !== undefined) return { width: height * shape, height };
  return { width: element.width, height: element.height };
}

function cssLength(text: string | undefined, around: number, page: Size): number | undefined {
  const match = /^([\d.]+)(px|%|d?vw|d?vh)?$/.exec(text ?? "");
  if (match === null) return undefined;
  const value = Number(match[1]);
  switch (match[2]) {
    case "%":
      return (value / 100) * around;
    case "vw":
    case "dvw":
      return (value / 100) * page.width;
    case "vh":
    case "dvh":
      return (value / 100) * page.height;
    case "px":
    case undefined:
    default:
      return value;
  }
}
