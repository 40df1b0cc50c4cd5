/** What reads a stranger's bytes, by the number that a message of the target "parsers" begins with. */
export const PARSERS = [
  "commands",
  "reply",
  "hello",
  "welcome",
  "frames",
  "input",
  "link",
  "resume",
  "control",
  "access-units",
  "rtcp",
  "sctp",
  "answer",
  "recording",
] as const;
export type Parser = (typeof PARSERS)[number];
