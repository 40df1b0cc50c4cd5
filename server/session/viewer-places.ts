import { MAX_VIEWERS, MAX_VIEWERS_PER_TOKEN, MAX_WATCHERS } from "./limits.ts";

/** What a viewer takes a place by. */
export type Place = {
  readonly control: boolean;
  /** The id of its token. */
  readonly token: string;
};

/** Why there is no room for one more beside these, as the end of a sentence about the session; undefined: there is. */
export function noRoomFor(place: Place, taken: readonly Place[]): string | undefined {
  if (taken.filter(({ token }) => token === place.token).length >= MAX_VIEWERS_PER_TOKEN) {
    return `has ${MAX_VIEWERS_PER_TOKEN} viewers of this link already, which is the limit.`;
  }
  if (!place.control && taken.filter(({ control }) => !control).length >= MAX_WATCHERS) {
    return `has ${MAX_WATCHERS} viewers without control already, which is the limit.`;
  }
  if (taken.length >= MAX_VIEWERS) {
    return `has ${MAX_VIEWERS} viewers already, which is the limit.`;
  }
  return undefined;
}
