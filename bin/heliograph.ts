#!/usr/bin/env node
// The command line. Only what an older Node parses stands here; each command's code is loaded when it
// is run, so that `heliograph run` in a guest never loads what only a GPU host has.
import { Command, InvalidArgumentError, Option } from "commander";
import type { PageSize } from "#client/run/layout.ts";

const OLDEST_NODE = 24;

const [major] = process.versions.node.split(".");
if (Number(major) < OLDEST_NODE) {
  process.stderr.write(
    `heliograph: this is Node ${process.versions.node}, and running from a checkout takes Node ` +
      `${OLDEST_NODE} or later. npm brings one along: use "npm run heliograph -- …" or "npm start".\n`,
  );
  process.exitCode = 1;
} else {
  await commandLine().parseAsync();
}

function commandLine(): Command {
  const program = new Command("heliograph")
    .description("Shares one ordinary GPU among many virtual machines.")
    .enablePositionalOptions()
    .showHelpAfterError("(see --help)");
  program.addCommand(serveCommand());
  program.addCommand(tokenCommand());
  program.addCommand(relayCommand());
  program.addCommand(runCommand());
  program.addCommand(doctorCommand());
  program.addCommand(demoCommand());
  return program;
}

function serveCommand(): Command {
  type Options = {
    config?: string;
    host?: string;
    port?: number;
    stateDir?: string;
    insecureListen?: boolean;
  };
  return new Command("serve")
    .description("Runs the gateway on the GPU host.")
    .option("--config <file>", "YAML file; without one, the defaults of docs/operations.md")
    .option("--host <address>", "address to listen on (default: 127.0.0.1)")
    .option("--port <number>", "port to listen on (default: 7340)", parsePort)
    .option("--state-dir <folder>", "where the signing key lives")
    .option("--insecure-listen", "listen beyond loopback without TLS, e.g. behind a TLS proxy")
    .action(async ({ config, host, port, stateDir, insecureListen }: Options) => {
      const { serve } = await import("#server/main/serve.ts");
      process.exitCode = await serve({
        ...(config === undefined ? {} : { configFile: config }),
        ...(host === undefined ? {} : { host }),
        ...(port === undefined ? {} : { port }),
        ...(stateDir === undefined ? {} : { stateFolder: stateDir }),
        insecureListen: insecureListen === true,
      });
    });
}

function tokenCommand(): Command {
  const guest = tokenKindCommand("guest", "30d")
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
  type Operator = TokenOptions & { role: "view" | "control" | "admin"; url?: string };
  const operator = tokenKindCommand("operator", "7d")
    .description("Prints a token for a person who watches or controls a VM.")
    .addOption(
      new Option("--role <role>", "what the person may do")
        .choices(["view", "control", "admin"])
        .default("control"),
    )
    .option("--url <gateway>", "prints the whole link to open instead")
    .action(async ({ session, role, expires, stateDir, url }: Operator) => {
      const { printToken } = await import("#server/main/issue-token.ts");
      process.exitCode = await printToken({
        claims: { role, session },
        expires,
        stateFolder: stateDir,
        url,
      });
    });
  const admin = new Command("admin")
    .description("Prints a token for the host's admin: page, API and metrics of all sessions.")
    .option("--expires <duration>", "such as 12h or 30d", "1d")
    .option("--state-dir <folder>", "the gateway's, where its signing key lives")
    .option("--url <gateway>", "prints the whole link to open instead")
    .action(
      async ({ expires, stateDir, url }: Omit<TokenOptions, "session"> & { url?: string }) => {
        const { printToken } = await import("#server/main/issue-token.ts");
        process.exitCode = await printToken({
          claims: { role: "admin", session: "*" },
          expires,
          stateFolder: stateDir,
          url,
        });
      },
    );
  return new Command("token")
    .description("Makes tokens of this machine's gateway.")
    .addCommand(guest)
    .addCommand(operator)
    .addCommand(admin);
}

type TokenOptions = { session: string; expires: string; stateDir?: string };

function tokenKindCommand(name: string, expires: string): Command {
  return new Command(name)
    .requiredOption("--session <name>", "the session (one VM) that the token is for")
    .option("--expires <duration>", "such as 12h or 30d", expires)
    .option("--state-dir <folder>", "the gateway's, where its signing key lives");
}

function relayCommand(): Command {
  type Options = { gateway: string; tokenFile?: string; socket?: string };
  return new Command("relay")
    .description("Carries the programs of this VM to the gateway.")
    .requiredOption("--gateway <url>", "such as https://gpu-host:7340")
    .option("--token-file <file>", "holds the guest token (default: HELIOGRAPH_TOKEN)")
    .option("--socket <path>", "Unix socket for programs (default: in XDG_RUNTIME_DIR)")
    .action(async ({ gateway, tokenFile, socket }: Options) => {
      const { runRelay } = await import("#client/relay/main.ts");
      process.exitCode = await runRelay({ gateway, tokenFile, socket });
    });
}

function runCommand(): Command {
  type Options = { socket?: string; size?: PageSize };
  return new Command("run")
    .description("Runs a program as a guest, unchanged: heliograph run -- node app.js")
    .option("--socket <path>", "the relay's Unix socket (default: HELIOGRAPH_RELAY)")
    .option("--size <size>", "the first size of its window, such as 1280x720", parseWindowSize)
    .argument("<command...>", "the program and its arguments")
    .passThroughOptions()
    .action(async ([command, ...args]: string[], { socket, size }: Options) => {
      const { RunError, runProgram } = await import("#client/run/run.ts");
      try {
        process.exitCode = await runProgram({ command: command ?? "", args, socket, size });
      } catch (error) {
        if (!(error instanceof RunError)) throw error;
        process.stderr.write(`heliograph run: ${error.message}\n`);
        process.exitCode = 1;
      }
    });
}

function demoCommand(): Command {
  return new Command("demo")
    .description("Shows a three.js program here: gateway, relay and guest in one go.")
    .action(async () => {
      const { runDemo } = await import("./demo.ts");
      process.exitCode = await runDemo();
    });
}

function doctorCommand(): Command {
  type Options = { config?: string; host?: string; port?: number; json?: boolean };
  return new Command("doctor")
    .description(
      "Says what GPU, encoder and ports the gateway finds here, and what to do about it.",
    )
    .option("--config <file>", "the gateway's YAML file")
    .option("--host <address>", "address that the gateway would listen on")
    .option("--port <number>", "port that the gateway would listen on", parsePort)
    .option("--json", "for programs")
    .action(async ({ config, host, port, json }: Options) => {
      const { doctor } = await import("#server/main/doctor.ts");
      process.exitCode = await doctor(
        {
          ...(config === undefined ? {} : { configFile: config }),
          ...(host === undefined ? {} : { host }),
          ...(port === undefined ? {} : { port }),
        },
        json === true,
      );
    });
}

function parseWindowSize(text: string): PageSize {
  const [, width, height] = /^([1-9]\d{0,4})x([1-9]\d{0,4})$/.exec(text) ?? [];
  if (width === undefined || height === undefined) {
    throw new InvalidArgumentError("write a size such as 1280x720.");
  }
  return { width: Number(width), height: Number(height), devicePixelRatio: 1 };
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError("write a number from 0 (any free port) to 65535.");
}
