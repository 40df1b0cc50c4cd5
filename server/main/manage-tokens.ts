import type { ListedToken } from "#server/auth/tokens.ts";
import { failToken, withTokens } from "./token-command.ts";

type Where = { readonly stateFolder?: string | undefined };

const COLUMNS = ["id", "role", "session", "profile", "expires", "state", "key"] as const;
type Row = Readonly<Record<(typeof COLUMNS)[number], string>>;

/** `heliograph token list`: the tokens that have not expired. Resolves with the exit code. */
export async function listTokens({
  stateFolder,
  json,
}: Where & { readonly json: boolean }): Promise<number> {
  return withTokens(stateFolder, async (tokens) => {
    const rows = tokens.list().map(toRow);
    process.stdout.write(json ? `${JSON.stringify(rows, undefined, 2)}\n` : table(rows));
    return 0;
  });
}

/** `heliograph token revoke`: the running gateway ends their connections. Resolves with the exit code. */
export async function revokeTokens({
  stateFolder,
  ids,
}: Where & { readonly ids: readonly string[] }): Promise<number> {
  return withTokens(stateFolder, async (tokens) => {
    const unknown: string[] = [];
    for (const id of ids) {
      if (await tokens.revoke(id)) process.stdout.write(`Token ${id} is revoked.\n`);
      else unknown.push(id);
    }
    if (unknown.length === 0) return 0;
    return failToken(
      `There is no unexpired token ${unknown.join(", ")}: take ids from "heliograph token list". ` +
        "Whoever an expired one let in is out.",
    );
  });
}

/** `heliograph token rotate-key`: the running gateway takes the new key up. Resolves with the exit code. */
export async function rotateKey({ stateFolder }: Where): Promise<number> {
  return withTokens(stateFolder, async ({ keys }) => {
    const before = keys.ids;
    const { id } = await keys.rotate();
    process.stdout.write(
      `Key ${id} signs from now on. Tokens of the older keys stay valid until they expire, or until ` +
        `"heliograph token drop-key" ends one of ${before.join(", ")}.\n`,
    );
    return 0;
  });
}

/** `heliograph token drop-key`: the running gateway ends the connections of its tokens. Resolves with the exit code. */
export async function dropKey({
  stateFolder,
  key,
}: Where & { readonly key: string }): Promise<number> {
  return withTokens(stateFolder, async ({ keys }) => {
    await keys.drop(key);
    process.stdout.write(`Key ${key} is dropped, and with it all tokens that it signed.\n`);
    return 0;
  });
}

function toRow({ id, role, grants, session, profile, expiresAt, state, key }: ListedToken): Row {
  return {
    id,
    role: grants === undefined ? role : `${role} (${grants})`,
    session,
    profile: profile ?? "-",
    expires: new Date(expiresAt * 1000).toISOString(),
    state,
    key,
  };
}

function table(rows: readonly Row[]): string {
  const lines = [COLUMNS, ...rows.map((row) => COLUMNS.map((column) => row[column]))];
  const widths = COLUMNS.map((_, at) => Math.max(...lines.map((line) => line[at]!.length)));
  return lines
    .map((line) => line.map((cell, at) => cell.padEnd(widths[at]!)).join("  "))
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}
