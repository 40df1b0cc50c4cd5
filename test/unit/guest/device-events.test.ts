import { beforeEach, describe, expect, test } from "vitest";
import { RecordingWorker } from "./recording-worker.ts";

let worker: RecordingWorker;
let device: GPUDevice;
let calls: string[];

beforeEach(async () => {
  worker = new RecordingWorker();
  device = await worker.device();
  calls = [];
});

function called(name: string): (event: GPUUncapturedErrorEvent) => void {
  return (event) => {
    event.preventDefault();
    calls.push(name);
  };
}

/** An error outside all scopes; the listeners that it called, in order. */
function callsOfAnError(): string {
  calls = [];
  worker.reply({
    kind: "uncapturedError",
    device: 1,
    error: { type: "validation", message: "No." },
  });
  return calls.join(" ");
}

describe("onuncapturederror", () => {
  test("is called in its turn, which it keeps when it is set to another", () => {
    device.addEventListener("uncapturederror", called("first"));
    device.onuncapturederror = called("handler");
    device.addEventListener("uncapturederror", called("last"));
    expect(callsOfAnError()).toBe("first handler last");
    device.onuncapturederror = called("other");
    expect(callsOfAnError()).toBe("first other last");
  });

  test("loses its turn when it is set to null", () => {
    device.onuncapturederror = called("handler");
    device.addEventListener("uncapturederror", called("listener"));
    device.onuncapturederror = null;
    expect(callsOfAnError()).toBe("listener");
    device.onuncapturederror = called("handler");
    expect(callsOfAnError()).toBe("listener handler");
  });

  test.each<[string, unknown, unknown]>([
    ["a number", 1, null],
    ["undefined", undefined, null],
    ["an object that is no function", Number.prototype, Number.prototype],
  ])("takes %s for what HTML says, and calls nothing", (_, value, kept) => {
    device.addEventListener("uncapturederror", called("listener"));
    Reflect.set(device, "onuncapturederror", value);
    expect(device.onuncapturederror).toBe(kept);
    expect(callsOfAnError()).toBe("listener");
  });

  test("that returns false prevents the default, which is a report", () => {
    let isPrevented: boolean | undefined;
    Reflect.set(device, "onuncapturederror", () => false);
    device.addEventListener("uncapturederror", (event) => {
      isPrevented = event.defaultPrevented;
    });
    callsOfAnError();
    expect(isPrevented).toBe(true);
  });
});

test("after the connection's end a program that loops over promises lets the event loop have its turns", async () => {
  worker.break("The host is gone.");
  setTimeout(() => calls.push("timer"), 1);
  while (calls.length === 0) await device.queue.onSubmittedWorkDone();
  expect((await device.lost).message).toBe("The host is gone.");
});
