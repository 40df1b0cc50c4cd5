import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { checkExceptions } from "#codegen/check-exceptions.ts";
import { ABSENT_METHODS } from "#codegen/exceptions.ts";
import { generate } from "#codegen/generate.ts";
import { loadModel } from "#codegen/model.ts";
import { ROOT, loadContext } from "./codec.ts";

const model = await loadModel();
const context = await loadContext();

describe("generating again changes nothing", async () => {
  const files = await generate(ROOT);

  test.for(files.map((file) => [file.path, file.text] as const))("in %s", async ([name, text]) => {
    expect(text).toBe(await readFile(path.join(ROOT, name), "utf8"));
  });

  const folders = new Set(files.map((file) => path.dirname(file.path)));
  test.for([...folders].filter((name) => name.endsWith("/gen")))(
    "and no file is left in %s that nothing generates",
    async (folder) => {
      const generated = files.filter((file) => path.dirname(file.path) === folder);
      const there = await readdir(path.join(ROOT, folder));
      expect(there.toSorted()).toEqual(
        generated.map((file) => path.basename(file.path)).toSorted(),
      );
    },
  );
});

describe("the model has the whole specification", () => {
  test("all its interfaces, dictionaries, enums and flags", () => {
    expect([
      model.interfaces.size,
      model.dictionaries.size,
      // One of them is PredefinedColorSpace, from HTML.
      model.enums.size,
      model.namespaces.size,
    ]).toEqual([36, 62, 35, 5]);
  });

  test("mixins, partial interfaces and typedefs are resolved", () => {
    const pass = model.interfaces.get("GPURenderPassEncoder")!;
    const names = pass.methods.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(["draw", "setBindGroup", "pushDebugGroup", "executeBundles"]),
    );
    expect(pass.labelled).toBe(true);
    const device = model.interfaces.get("GPUDevice")!;
    expect(device.methods.map(({ name }) => name)).toContain("popErrorScope");
    expect(device.attributes.find(({ name }) => name === "lost")?.isPromise).toBe(true);
    const [size] = model.dictionaries
      .get("GPUBufferDescriptor")!
      .members.filter(({ name }) => name === "size");
    expect(size).toEqual({
      name: "size",
      type: { kind: "u64", enforceRange: true, clamp: false, nullable: false },
      required: true,
      default: undefined,
    });
  });

  test("inherited members come first, then the dictionary's own by name", () => {
    const members = model.dictionaries.get("GPURenderBundleEncoderDescriptor")!.members;
    expect(members.map(({ name }) => name)).toEqual([
      "label",
      "colorFormats",
      "depthStencilFormat",
      "sampleCount",
      "depthReadOnly",
      "stencilReadOnly",
    ]);
  });
});

test("every method of the specification is a command, or an exception says why not", () => {
  const commands = new Set(
    context.commands.map(({ method }) => `${method?.interface}.${method?.name}`),
  );
  const methods = [...model.interfaces.values()].flatMap(({ name, methods: list }) =>
    list.map((method) => `${name}.${method.name}`),
  );
  expect(methods.filter((name) => !commands.has(name)).toSorted()).toEqual(
    [...ABSENT_METHODS.keys()].toSorted(),
  );
});

test("an exception for what the specification does not have is refused", () => {
  checkExceptions(model);
  const interfaces = new Map(model.interfaces);
  interfaces.delete("GPUExternalTexture");
  expect(() => checkExceptions({ ...model, interfaces })).toThrow(
    "An exception names the interface GPUExternalTexture, which is not there.",
  );
});
