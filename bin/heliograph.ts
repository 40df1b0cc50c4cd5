#!/usr/bin/env node
// The command line. Only what an older Node parses stands here; each command's code is loaded when it
// is run, so that `heliograph run` in a guest never loads what only a GPU host has.
import { Command, InvalidArgumentError } from "commander";
import type { PageSize } from "#client/run/layout.ts";
import { keepCompiledCode } from "./compile-cache.ts";
import { recordCommand, replayCommand } from "./recording-commands.ts";
import { tokenCommand } from "./token-command.ts";

const OLDEST_NODE = 24;

const [major] = process.versions.node.split(".");
if (Number(major) < OLDEST_NODE) {
  process.stderr.write(
    `heliograph: this is Node ${process.versions.node}, and running from a checkout takes Node ` +
      `${OLDEST_NODE} or later. npm brings one along: use "npm run heliograph -- …" or "npm start".\n`,
  );
  process.exitCode = 1;
} else {
  keepCompiledCode();
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
  program.addCommand(recordCommand());
  program.addCommand(replayCommand());
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
    .option("--state-dir <folder>", "where keys and records of tokens live")
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
  type Options = { socket?: string; size?: PageSize; restart?: boolean };
  return new Command("run")
    .description("Runs a program as a guest, unchanged: heliograph run -- node app.js")
    .option("--socket <path>", "the relay's Unix socket (default: HELIOGRAPH_RELAY)")
    .option("--size <size>", "the first size of its window, such as 1280x720", parseWindowSize)
    .option("--restart", "starts the program again when it ended because its connection was lost")
    .argument("<command...>", "the program and its arguments")
    .passThroughOptions()
    .action(async ([command, ...args]: string[], { socket, size, restart }: Options) => {
      const { RunError, runProgram } = await import("#client/run/run.ts");
      try {
        process.exitCode = await runProgram({
          command: command ?? "",
          args,
          socket,
          size,
          restart: restart === true,
        });
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
