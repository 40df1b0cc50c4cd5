import { existsSync, readdirSync, readlinkSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { isWithin } from "./visible-files.ts";

// What keeps secrets hidden that lie in folders which a confined worker sees.

/**
 * Options of bubblewrap that cover the secrets wherever these folders and files show them. A folder is covered itself. Of a
 * file, and of what is not there yet, its folder is, and what else is in it is shown again: a cover of one file falls off
 * when the host renames another over it, as editors and whatever renews certificates do.
 */
export function coverSecrets(secrets: readonly string[], readable: readonly string[]): string[] {
  const folders = new Set<string>();
  const files = new Map<string, Set<string>>();
  for (const secret of secrets) {
    const file = realFile(secret);
    const isFolder = statSync(file, { throwIfNoEntry: false })?.isDirectory();
    for (const place of placesOf(file, readable)) {
      if (isFolder === true) folders.add(place);
      else {
        const names = files.get(path.dirname(place)) ?? new Set();
        files.set(path.dirname(place), names.add(path.basename(place)));
      }
    }
  }
  const covers = [
    ...[...folders].map((place) => ({ place, options: coverFolder(place) })),
    ...[...files].map(([place, names]) => ({
      place,
      options: readable.some((shown) => isWithin(place, path.resolve(shown)))
        ? coverFiles(place, names)
        : [...names].flatMap((name) => ["--ro-bind", "/dev/null", path.join(place, name)]),
    })),
  ];
  // Outer ones first, since they show again what else they have.
  return covers
    .toSorted((one, other) => one.place.length - other.place.length)
    .flatMap(({ options }) => options);
}

/** Without links. Of what is not there yet, so much of its path as will be the first to be made. */
function realFile(file: string): string {
  if (existsSync(file)) return realpathSync(file);
  const folder = path.dirname(file);
  return existsSync(folder)
    ? path.join(realpathSync(folder), path.basename(file))
    : realFile(folder);
}

/** Under which names a worker sees the file: a folder that it sees may be a link. */
function placesOf(file: string, readable: readonly string[]): string[] {
  return readable.flatMap((shown) => {
    const folder = realpathSync(shown);
    return isWithin(file, folder) ? [path.join(shown, path.relative(folder, file))] : [];
  });
}

function coverFolder(place: string): string[] {
  return ["--tmpfs", place, "--remount-ro", place];
}

function coverFiles(place: string, names: ReadonlySet<string>): string[] {
  const others = readdirSync(place, { withFileTypes: true }).filter(({ name }) => !names.has(name));
  return [
    "--tmpfs",
    place,
    ...others.flatMap((other) => {
      const file = path.join(place, other.name);
      return other.isSymbolicLink()
        ? ["--symlink", readlinkSync(file), file]
        : ["--ro-bind-try", file, file];
    }),
    "--remount-ro",
    place,
  ];
}
