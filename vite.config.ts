import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const folder = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

// Builds the operator's page. The gateway serves dist/viewer under a policy that allows no inline script or
// style and no data URI, so nothing is inlined here.
export default defineConfig({
  root: folder("client/viewer"),
  publicDir: folder("public/viewer"),
  build: {
    outDir: folder("dist/viewer"),
    emptyOutDir: true,
    target: ["chrome110", "edge110", "safari16.4", "firefox115"],
    sourcemap: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
