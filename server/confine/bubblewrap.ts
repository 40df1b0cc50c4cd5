import type { WorkerCommand, WorkerProgram } from "./command.ts";
import { coverSecrets } from "./covers.ts";
import { nodePermissions } from "./node-permissions.ts";
import {
  codeFiles,
  deviceDescriptions,
  deviceFiles,
  driverFiles,
  systemFolders,
} from "./visible-files.ts";

/**
 * Bytes that a worker may write to its /tmp, where drivers keep caches. Bounds memory that no resident set shows: the
 * files of a tmpfs are the host's memory.
 */
export const MAX_TEMPORARY_BYTES = 64 * 1024 * 1024;

/**
 * Bytes that a worker may map for itself beyond the memory that it may take: stacks and heaps are mapped before they are
 * touched (1.1 GiB when it has just started on two cores). Bounds what it takes between two looks of its HostWatch.
 */
export const MAX_UNTOUCHED_BYTES = 4 * 1024 * 1024 * 1024;

/** What of the environment stays outside: the host's folders and displays. */
const PERSONAL = /^(HOME|TMPDIR|PATH|DISPLAY|WAYLAND_DISPLAY|XDG_\w+)$/;

/** The programs that confine, by their absolute paths. */
export type ConfiningPrograms = { readonly bwrap: string; readonly prlimit: string };

/**
 * A worker's command under bubblewrap: namespaces of its own for users, processes, network, IPC, names and control groups;
 * no capability, and no way to gain one; its driver's and our files read-only; a small /tmp; and its sockets.
 *
 * The environment goes by inheritance, not as arguments, which everybody on the host could read: it holds the nonces.
 */
export function underBubblewrap(
  { bwrap, prlimit }: ConfiningPrograms,
  { main, environment, usesDevices, compileCache, maxHostMemory, sockets, secrets }: WorkerProgram,
): WorkerCommand {
  const readable = [
    ...systemFolders(),
    ...driverFiles(environment),
    ...codeFiles(main),
    process.execPath,
    ...(compileCache === undefined ? [] : [compileCache]),
    ...(usesDevices ? deviceDescriptions() : []),
  ];
  const args = [
    "--core=0", // A core file holds a guest's data, and goes to the host.
    // A GPU's driver may map much of its device's memory as the process's own.
    ...(maxHostMemory === undefined || usesDevices
      ? []
      : [`--data=${maxHostMemory + MAX_UNTOUCHED_BYTES}`]),
    "--",
    bwrap,
    ...NAMESPACES,
    "--proc",
    "/proc",
    "--dev",
    "/dev",
    ...(usesDevices ? deviceFiles().flatMap((file) => ["--dev-bind", file, file]) : []),
    "--size",
    String(MAX_TEMPORARY_BYTES),
    "--tmpfs",
    "/tmp",
    ...readable.flatMap((file) => ["--ro-bind", file, file]),
    ...sockets.flatMap((file) => ["--ro-bind", file, file]),
    ...coverSecrets(secrets, readable),
    "--remount-ro",
    "/dev",
    "--remount-ro",
    "/",
    "--chdir",
    "/tmp",
    "--",
    process.execPath,
    ...nodePermissions(main),
    // Node asks for both; bubblewrap's mount is what keeps the folder as it is.
    ...(compileCache === undefined
      ? []
      : [`--allow-fs-read=${compileCache}`, `--allow-fs-write=${compileCache}`]),
    main,
  ];
  return {
    program: prlimit,
    args,
    environment: {
      ...impersonal(environment),
      ...(compileCache === undefined ? {} : { NODE_COMPILE_CACHE: compileCache }),
    },
    isWrapped: true,
  };
}

const NAMESPACES = [
  "--unshare-user",
  "--disable-userns", // Namespaces inside would open parts of the kernel that few processes reach.
  "--unshare-pid",
  "--unshare-net",
  "--unshare-ipc",
  "--unshare-uts",
  "--unshare-cgroup-try",
  "--cap-drop",
  "ALL",
  "--hostname",
  "worker",
  "--die-with-parent",
  "--new-session",
];

function impersonal(environment: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(environment).filter(([name]) => !PERSONAL.test(name));
  return { ...Object.fromEntries(kept), HOME: "/tmp" };
}
