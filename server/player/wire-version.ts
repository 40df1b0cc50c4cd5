import { PROTOCOL_MAJOR, PROTOCOL_MINOR } from "#shared/wire/gen/numbers.ts";
import { PlayerError } from "./player-error.ts";

type WireVersion = { readonly major: number; readonly minor: number };

const OWN: WireVersion = { major: PROTOCOL_MAJOR, minor: PROTOCOL_MINOR };

/**
 * Throws a PlayerError for a stream of another major version of the wire, or of a later minor, which may have commands
 * that this build does not know. An older minor plays: its numbers mean what they meant.
 */
export function requirePlayable(recorded: WireVersion, own: WireVersion = OWN): void {
  if (recorded.major === own.major && recorded.minor <= own.minor) return;
  throw new PlayerError(
    `The recording is of version ${recorded.major}.${recorded.minor} of the wire, and this plays ${own.major}.0 to ${own.major}.${own.minor}: use the release that recorded it.`,
  );
}
