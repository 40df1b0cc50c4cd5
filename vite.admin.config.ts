import { fileURLToPath } from "node:url";
import { mergeConfig } from "vite";
import viewer from "./vite.config.ts";

const folder = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

// Builds the host admin's page, as the operator's is built. The gateway serves it at /admin/.
export default mergeConfig(viewer, {
  root: folder("client/admin"),
  base: "/admin/",
  publicDir: false,
  build: { outDir: folder("dist/admin") },
});
