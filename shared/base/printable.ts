// What a stranger says is shown on a terminal: it must not move the cursor, set the title or the clipboard, or look like
// lines of ours.

/** Control characters, invisible ones (those that turn the direction of writing too), line ends and halves of characters. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu;

export function isPrintable(text: string): boolean {
  return text.search(UNPRINTABLE) === -1;
}

/** The text in one line: each run of what can't be shown is a space. */
export function printable(text: string): string {
  return text.replaceAll(UNPRINTABLE, " ").trimEnd();
}

/** The text in its lines, all but the first of them indented, so that none looks like one of ours. */
export function printableLines(text: string): string {
  return text.trimEnd().split(/\r?\n/).map(printable).join("\n    ");
}
