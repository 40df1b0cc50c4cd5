import { networkInterfaces } from "node:os";
import { type IceOptions, LOOPBACK_ICE } from "#server/media/messages.ts";
import { type Config, isLoopback } from "./config.ts";
import { ConfigError } from "./config-error.ts";

/** Where viewers reach this host's media, from what is configured and where the gateway listens. */
export function iceOptions({ ice, host }: Config): IceOptions {
  const { portRange } = ice;
  if (portRange !== undefined && portRange[0] > portRange[1]) {
    throw new ConfigError(
      `ice.portRange (${portRange.join(" to ")}) runs backwards: write the lower port first.`,
    );
  }
  return {
    hosts: ice.hosts ?? defaultHosts(host),
    ...(portRange === undefined ? {} : { portRange }),
    servers: ice.servers.map(({ urls, username, credential }) => ({
      urls,
      ...(username === undefined ? {} : { username }),
      ...(credential === undefined ? {} : { credential }),
    })),
  };
}

function defaultHosts(host: string): readonly string[] {
  if (isLoopback(host)) return LOOPBACK_ICE.hosts;
  if (host !== "0.0.0.0" && host !== "::") return [host];
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith("fe80:"))
    .map(({ address }) => address);
  return addresses.length > 0 ? addresses : LOOPBACK_ICE.hosts;
}
