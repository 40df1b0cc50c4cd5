import { create } from "webgpu";

// The child process of gpu-probe.ts: asks Dawn for an adapter and a device, and prints one line of
// JSON. A driver may crash or hang here, and take nothing else with it.

const gpu = create([]);
const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
if (adapter === null) {
  process.stdout.write(`${JSON.stringify({ found: false })}\n`);
} else {
  const { vendor, architecture, device, description, isFallbackAdapter } = adapter.info;
  await adapter.requestDevice();
  const found = { found: true, vendor, architecture, device, description, isFallbackAdapter };
  process.stdout.write(`${JSON.stringify(found)}\n`);
}
// Dawn's destructors may hang in a broken driver: the parent kills this process once it has read the line.
