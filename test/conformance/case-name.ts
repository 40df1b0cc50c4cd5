// A case's name is "suite:file:test:parameters", where none of the first three holds a colon.

/** The query for all cases of the file that a case is in. */
export function fileOf(name: string): string {
  return `${parts(name).slice(0, 2).join(":")}:*`;
}

/** Under which a table counts a case: "api,operation", "idl", "shader,validation". */
export function groupOf(name: string): string {
  const [area = "", kind = ""] = (parts(name)[1] ?? "").split(",");
  return area === "api" || area === "shader" ? `${area},${kind}` : area;
}

function parts(name: string): string[] {
  return name.split(":", 3);
}
