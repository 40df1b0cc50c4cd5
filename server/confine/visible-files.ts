import { existsSync, readdirSync, realpathSync } from "node:fs";
import path from "node:path";

// What a confined worker sees of the host's files: the driver's and Node's, and nothing that is a person's.

/** Shared libraries, drivers and their descriptions. What is not there is left out. */
const SYSTEM_FOLDERS = [
  "/usr",
  "/lib",
  "/lib64",
  "/etc/ld.so.cache",
  "/etc/vulkan",
  "/etc/glvnd",
  "/etc/drirc",
  "/nix/store",
  "/run/opengl-driver",
];

/** How drivers recognize a GPU. */
const DEVICE_DESCRIPTIONS = [
  "/sys/bus/pci",
  "/sys/class/drm",
  "/sys/dev/char",
  "/sys/devices",
  "/sys/module/nvidia",
];

/** Render nodes compute and draw; card nodes also set the host's display, so they stay outside. */
const RENDER_NODE = /^renderD\d+$/;
const NVIDIA_NODE = /^nvidia(\d+|ctl|-modeset|-uvm|-uvm-tools|-caps)$/;

/** Variables in which drivers find their files, as paths parted by colons. */
const PATH_VARIABLES = [
  "LD_LIBRARY_PATH",
  "VK_DRIVER_FILES",
  "VK_ICD_FILENAMES",
  "VK_ADD_DRIVER_FILES",
  "LIBVA_DRIVERS_PATH",
];

export function systemFolders(): string[] {
  return SYSTEM_FOLDERS.filter((file) => existsSync(file));
}

export function deviceDescriptions(): string[] {
  return DEVICE_DESCRIPTIONS.filter((file) => existsSync(file));
}

/** Of the GPUs that this machine has. */
export function deviceFiles(): string[] {
  return [
    ...entries("/dev", (name) => NVIDIA_NODE.test(name) || name === "dxg"),
    ...entries("/dev/dri", (name) => RENDER_NODE.test(name)),
  ];
}

/** Files and folders of drivers that the environment names. */
export function driverFiles(environment: Readonly<Record<string, string>>): string[] {
  const named = PATH_VARIABLES.flatMap((name) => (environment[name] ?? "").split(":"));
  return named.filter((file) => path.isAbsolute(file) && file !== "/" && existsSync(file));
}

/** What Node reads to run `main`: our code, its packages, and the folder of a program from elsewhere. */
export function codeFiles(main: string): string[] {
  const root = path.resolve(import.meta.dirname, "../..");
  const own = ["server", "shared", "package.json"].map((name) => path.join(root, name));
  const isOwn = own.some((folder) => isWithin(main, folder));
  return [...own, ...packageFolders(root), ...(isOwn ? [] : [path.dirname(main)])];
}

export function isWithin(file: string, folder: string): boolean {
  return file === folder || file.startsWith(`${folder}${path.sep}`);
}

/** Where Node looks for packages: beside our code or, where that is a package itself, above it. */
function packageFolders(root: string): string[] {
  const folders: string[] = [];
  for (let folder = root; ; folder = path.dirname(folder)) {
    const isPackages = path.basename(folder) === "node_modules";
    const packages = isPackages ? folder : path.join(folder, "node_modules");
    // Node also asks for a package by its real path.
    if (existsSync(packages)) folders.push(packages, realpathSync(packages));
    if (folder === path.dirname(folder)) return [...new Set(folders)];
  }
}

function entries(folder: string, fits: (name: string) => boolean): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => fits(name))
    .map((name) => path.join(folder, name));
}
