import { MAX_LIVE_SURFACES } from "#shared/wire/limits.ts";
import { MAX_CONNECTIONS } from "./limits.ts";

type Size = { readonly width: number; readonly height: number };
export type Surface = {
  readonly connection: number;
  readonly surface: number;
  readonly size: Size;
};

/** Surfaces of one session that have a picture. Bounds the gateway's memory for what a worker says. */
export const MAX_SURFACES = MAX_CONNECTIONS * MAX_LIVE_SURFACES;

/** The surfaces that have a picture; the one that got its picture or its size last is visible. */
export class Surfaces {
  readonly #surfaces = new Map<string, Surface>();
  #visible: Surface | undefined;
  /** Why a program's picture is not shown, as a sentence, until one is. */
  refused: string | undefined;

  get visible(): Surface | undefined {
    return this.#visible;
  }

  /** Without a size, the surface is gone. False: there is no room for one more. */
  set(connection: number, surface: number, size: Size | undefined): boolean {
    this.refused = undefined;
    const key = `${connection}/${surface}`;
    this.#surfaces.delete(key); // What is set again comes last.
    if (size !== undefined) {
      if (this.#surfaces.size >= MAX_SURFACES) return false;
      this.#visible = { connection, surface, size };
      this.#surfaces.set(key, this.#visible);
    } else if (this.#visible?.connection === connection && this.#visible.surface === surface) {
      this.#visible = [...this.#surfaces.values()].at(-1);
    }
    return true;
  }

  connectionGone(connection: number): void {
    this.refused = undefined;
    for (const [key, surface] of this.#surfaces) {
      if (surface.connection === connection) this.#surfaces.delete(key);
    }
    this.#visible = [...this.#surfaces.values()].at(-1);
  }

  clear(): void {
    this.#surfaces.clear();
    this.refused = undefined;
    this.#visible = undefined;
  }
}
