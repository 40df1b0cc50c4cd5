import { Command, Option } from "commander";

type TokenOptions = { session: string; expires: string; stateDir?: string };
type OperatorRole = "view" | "control" | "admin";
type OperatorOptions = TokenOptions & { role: OperatorRole; url?: string };

/** `heliograph token …`: makes, lists and ends the tokens of this machine's gateway, running or not. */
export function tokenCommand(): Command {
  return new Command("token")
    .description("Makes, lists and revokes tokens of this machine's gateway.")
    .addCommand(guestCommand())
    .addCommand(operatorCommand())
    .addCommand(inviteCommand())
    .addCommand(adminCommand())
    .addCommand(listCommand())
    .addCommand(revokeCommand())
    .addCommand(rotateKeyCommand())
    .addCommand(dropKeyCommand());
}

function guestCommand(): Command {
  return withStateDir(issuing("guest", "30d"))
    .description("Prints a token for a VM's relay.")
    .option(
      "--profile <name>",
      "what the VM may use, by its name in the gateway's config",
      "default",
    )
    .action(async ({ session, profile, expires, stateDir }: TokenOptions & { profile: string }) => {
      const { printToken } = await import("#server/main/issue-token.ts");
      process.exitCode = await printToken({
        claims: { role: "guest", session, profile },
        expires,
        stateFolder: stateDir,
      });
    });
}

function operatorCommand(): Command {
  return withRole(withStateDir(issuing("operator", "7d")))
    .description("Prints a token for a person who watches or controls a VM.")
    .action(async ({ session, role, expires, stateDir, url }: OperatorOptions) => {
      const { printToken } = await import("#server/main/issue-token.ts");
      process.exitCode = await printToken({
        claims: { role, session },
        expires,
        stateFolder: stateDir,
        url,
      });
    });
}

function inviteCommand(): Command {
  return withRole(withStateDir(issuing("invite", "1d")))
    .description("Prints an invitation: a token that lets one person in, once.")
    .option("--lasts <duration>", "how long that person's own token lasts", "7d")
    .action(
      async ({
        session,
        role,
        lasts,
        expires,
        stateDir,
        url,
      }: OperatorOptions & { lasts: string }) => {
        const { printInvitation } = await import("#server/main/issue-token.ts");
        process.exitCode = await printInvitation({
          session,
          role,
          lasts,
          expires,
          stateFolder: stateDir,
          url,
        });
      },
    );
}

function adminCommand(): Command {
  type Options = Omit<TokenOptions, "session"> & { url?: string };
  return withStateDir(new Command("admin"))
    .description("Prints a token for the host's admin: page, API and metrics of all sessions.")
    .option("--expires <duration>", "such as 12h or 30d", "1d")
    .option("--url <gateway>", "prints the whole link to open instead")
    .action(async ({ expires, stateDir, url }: Options) => {
      const { printToken } = await import("#server/main/issue-token.ts");
      process.exitCode = await printToken({
        claims: { role: "admin", session: "*" },
        expires,
        stateFolder: stateDir,
        url,
      });
    });
}

function listCommand(): Command {
  return withStateDir(new Command("list"))
    .description("Lists the tokens that have not expired.")
    .option("--json", "for programs")
    .action(async ({ stateDir, json }: { stateDir?: string; json?: boolean }) => {
      const { listTokens } = await import("#server/main/manage-tokens.ts");
      process.exitCode = await listTokens({ stateFolder: stateDir, json: json === true });
    });
}

function revokeCommand(): Command {
  return withStateDir(new Command("revoke"))
    .description("Ends tokens and their connections.")
    .argument("<id...>", 'ids of "heliograph token list"')
    .action(async (ids: string[], { stateDir }: { stateDir?: string }) => {
      const { revokeTokens } = await import("#server/main/manage-tokens.ts");
      process.exitCode = await revokeTokens({ stateFolder: stateDir, ids });
    });
}

function rotateKeyCommand(): Command {
  return withStateDir(new Command("rotate-key"))
    .description("Makes a new key to sign tokens with; tokens of the older keys stay valid.")
    .action(async ({ stateDir }: { stateDir?: string }) => {
      const { rotateKey } = await import("#server/main/manage-tokens.ts");
      process.exitCode = await rotateKey({ stateFolder: stateDir });
    });
}

function dropKeyCommand(): Command {
  return withStateDir(new Command("drop-key"))
    .description("Ends an older key, all tokens that it signed and their connections.")
    .argument("<key>", 'as in the key column of "heliograph token list"')
    .action(async (key: string, { stateDir }: { stateDir?: string }) => {
      const { dropKey } = await import("#server/main/manage-tokens.ts");
      process.exitCode = await dropKey({ stateFolder: stateDir, key });
    });
}

function issuing(name: string, expires: string): Command {
  return new Command(name)
    .requiredOption("--session <name>", "the session (one VM) that the token is for")
    .option("--expires <duration>", "such as 12h or 30d", expires);
}

function withRole(command: Command): Command {
  return command
    .addOption(
      new Option("--role <role>", "what the person may do")
        .choices(["view", "control", "admin"])
        .default("control"),
    )
    .option("--url <gateway>", "prints the whole link to open instead");
}

function withStateDir(command: Command): Command {
  return command.option("--state-dir <folder>", "the gateway's, where its keys and tokens are");
}
