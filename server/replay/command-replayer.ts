import { ProtocolError } from "#shared/wire/errors.ts";
import { MAX_LIVE_SURFACES } from "#shared/wire/limits.ts";
import type { CommandSink } from "#shared/wire/gen/command-sink.ts";
import type {
  GPUComputePipelineDescriptor as ComputePipelineDescriptor,
  GPUDeviceDescriptor as DeviceDescriptor,
  GPURenderPipelineDescriptor as RenderPipelineDescriptor,
  GPURequestAdapterOptions as AdapterOptions,
  SurfaceConfiguration,
} from "#shared/wire/gen/dictionaries.ts";
import { ObjectKind } from "#shared/wire/gen/numbers.ts";
import type { Handle } from "#shared/wire/handles.ts";
import { describeAdapter, describeDevice, requireShownLimits } from "./adapter-description.ts";
import type { CurrentObjects } from "./current-objects.ts";
import { dawn, type DawnObjects as M } from "./dawn-types.ts";
import { DeviceState } from "./device-state.ts";
import { describeError } from "./error-scopes.ts";
import { FrameWork } from "./frame-work.ts";
import type { Objects } from "./gen/objects.ts";
import { invalidateCommandBuffers } from "./invalid-objects.ts";
import type { ReplayHost } from "./replay-host.ts";
import { Requests } from "./requests.ts";
import { ResourceReplayer } from "./resource-replayer.ts";
import { SurfaceState } from "./surface-state.ts";

const MAP_MODE_READ = 1;

/** Memory that Dawn has yet to free from which on a submit for its sake is worth its price. */
const FREED_BYTES = 1024 * 1024;

/** Replays the commands that are more than a call into Dawn. */
export class CommandReplayer extends ResourceReplayer implements CommandSink<M> {
  readonly #gpu: GPU;
  readonly #host: ReplayHost;
  readonly #requests: Requests;
  readonly #frame = new FrameWork();
  /** Textures of surfaces that were presented: they are capture's to destroy. */
  readonly #presented = new WeakSet<GPUTexture>();

  /** `pauseUntil` holds back the commands after the one that is being replayed. */
  constructor(
    gpu: GPU,
    host: ReplayHost,
    objects: Objects,
    current: CurrentObjects,
    pauseUntil: (settled: Promise<unknown>) => void,
  ) {
    super(objects, current, host.budget, pauseUntil);
    this.#gpu = gpu;
    this.#host = host;
    this.#requests = new Requests((reply) => host.reply(reply));
  }

  /** Promises of the program that are not answered yet. */
  get pendingRequests(): number {
    return this.#requests.pending;
  }

  /**
   * Has Dawn free what was destroyed: it does when a submit after the destruction is done, which a program that
   * drops all and then rests never makes.
   */
  freeDestroyed(): void {
    for (const device of this.objects.devices.live()) {
      if (device.isLost || device.memory.freed < FREED_BYTES) continue;
      device.memory.freed = 0;
      const { queue } = device.dawn;
      void this.#host.submit(queue, () => queue.submit([]));
    }
  }

  requestAdapter(request: number, handle: Handle, options: AdapterOptions): void {
    const { adapters } = this.objects;
    adapters.reserve(handle);
    const adapter = settled(() => this.#gpu.requestAdapter(dawn(options)));
    this.pauseUntil(adapter);
    this.#requests.answer(
      request,
      adapter,
      (found) => {
        adapters.settle(handle, found ?? undefined);
        const described =
          found === null ? null : describeAdapter(found, this.#gpu, this.budget.bounds);
        return { kind: "adapter", request, adapter: described };
      },
      () => adapters.settle(handle, undefined),
    );
  }

  adapterRequestDevice(
    request: number,
    adapter: GPUAdapter,
    handle: Handle,
    descriptor: DeviceDescriptor,
  ): void {
    const { devices } = this.objects;
    devices.reserve(handle);
    const device = settled(() => {
      requireShownLimits(descriptor, adapter, this.budget.bounds);
      return adapter.requestDevice(dawn(descriptor));
    });
    this.pauseUntil(device);
    this.#requests.answer(
      request,
      device,
      (made) => {
        const state = new DeviceState(handle.id, made, this.#host);
        if (!devices.settle(handle, state)) state.destroy();
        return { kind: "device", request, ...describeDevice(made) };
      },
      () => devices.settle(handle, undefined),
    );
  }

  devicePushErrorScope(filter: GPUErrorFilter): void {
    const { device } = this.current;
    device.dawn.pushErrorScope(filter);
    device.scopes.push(filter);
  }

  devicePopErrorScope(request: number): void {
    const { device } = this.current;
    const own = device.scopes.pop() ?? null;
    this.#requests.answer(request, device.dawn.popErrorScope(), (found) => {
      const error = found === null ? own : describeError(found);
      return { kind: "errorScope", request, error };
    });
  }

  deviceCreateComputePipelineAsync(
    request: number,
    handle: Handle,
    descriptor: ComputePipelineDescriptor<M>,
  ): void {
    const { computePipelines } = this.objects;
    const { dawn: device } = this.current.device;
    this.compile();
    computePipelines.reserve(handle);
    this.#requests.answer(
      request,
      settled(() => device.createComputePipelineAsync(dawn(descriptor))),
      (pipeline) => {
        computePipelines.settle(handle, pipeline);
        return { kind: "resolved", request };
      },
      () => computePipelines.settle(handle, undefined),
    );
  }

  deviceCreateRenderPipelineAsync(
    request: number,
    handle: Handle,
    descriptor: RenderPipelineDescriptor<M>,
  ): void {
    const { renderPipelines } = this.objects;
    const { dawn: device } = this.current.device;
    this.compile();
    renderPipelines.reserve(handle);
    this.#requests.answer(
      request,
      settled(() => device.createRenderPipelineAsync(dawn(descriptor))),
      (pipeline) => {
        renderPipelines.settle(handle, pipeline);
        return { kind: "resolved", request };
      },
      () => renderPipelines.settle(handle, undefined),
    );
  }

  shaderModuleGetCompilationInfo(request: number, shaderModule: GPUShaderModule): void {
    this.#requests.answer(request, shaderModule.getCompilationInfo(), ({ messages }) => ({
      kind: "compilationInfo",
      request,
      messages,
    }));
  }

  bufferMapAsync(
    request: number,
    buffer: GPUBuffer,
    mode: number,
    offset: number,
    size: number | undefined,
  ): void {
    const mapping = this.mappings.get(buffer);
    const mapped = mapping?.map(mode, offset, size) ?? this.mapBuffer(buffer, mode, offset, size);
    this.#requests.answer(request, mapped, () => {
      if (mode !== MAP_MODE_READ) return { kind: "resolved", request };
      // A copy: the mapped memory is gone once the guest unmaps.
      const data = new Uint8Array(buffer.getMappedRange(offset, size).slice(0));
      return { kind: "mapped", request, data };
    });
  }

  textureDestroy(texture: GPUTexture): void {
    if (this.#presented.has(texture)) return;
    texture.destroy();
    this.releaseCharge(texture);
  }

  queueSubmit(commandBuffers: readonly GPUCommandBuffer[]): void {
    const { device } = this.current;
    this.#frame.submitted(device);
    device.memory.freed = 0;
    if (this.mappings.areReadMapped(commandBuffers)) {
      const message = "A submitted command reads a buffer that is mapped for writing.";
      device.report({ type: "validation", message });
      invalidateCommandBuffers(device.dawn, commandBuffers);
      for (const each of commandBuffers) this.endRecording(each);
      return;
    }
    const { queue } = device.dawn;
    const later = this.#host.submit(queue, () => {
      queue.submit(commandBuffers);
      for (const each of commandBuffers) this.endRecording(each);
    });
    if (later !== undefined) this.pauseUntil(later);
  }

  queueOnSubmittedWorkDone(request: number): void {
    const done = this.current.device.dawn.queue.onSubmittedWorkDone();
    this.#requests.answer(request, done, () => ({ kind: "resolved", request }));
  }

  setLabel(kind: number, id: number, label: string): void {
    const object = this.objects.labelled(kind, id);
    if (object === undefined) throw new ProtocolError(`Objects of kind ${kind} have no label.`);
    object.label = label;
  }

  release(kind: number, handle: Handle): void {
    switch (kind) {
      case ObjectKind.GPUBuffer: {
        const buffer = this.objects.buffers.release(handle);
        if (buffer === undefined) return;
        this.bufferDestroy(buffer);
        this.mappings.delete(buffer);
        return;
      }
      case ObjectKind.GPUTexture: {
        const texture = this.objects.textures.release(handle);
        if (texture !== undefined) this.textureDestroy(texture);
        return;
      }
      case ObjectKind.GPUQuerySet: {
        const querySet = this.objects.querySets.release(handle);
        if (querySet !== undefined) this.querySetDestroy(querySet);
        return;
      }
      case ObjectKind.GPUShaderModule: {
        const shaderModule = this.objects.shaderModules.release(handle);
        if (shaderModule !== undefined) this.releaseCharge(shaderModule);
        return;
      }
      case ObjectKind.Surface:
        this.objects.surfaces.release(handle)?.close();
        return;
      default: {
        const table = this.objects.table(kind);
        if (table === undefined)
          throw new ProtocolError(`Objects of kind ${kind} are not released.`);
        const object = table.release(handle);
        if (object instanceof DeviceState) object.release();
        this.current.forget(object);
        if (object !== undefined) this.dropRecording(object);
      }
    }
  }

  surfaceCreate(handle: Handle): void {
    // Ids are dense, so the highest is a bound on how many there are.
    if (handle.id > MAX_LIVE_SURFACES) {
      throw new ProtocolError(
        `Surface id (${handle.id}) is over the limit (${MAX_LIVE_SURFACES}) of canvases at once.`,
      );
    }
    this.objects.surfaces.allocate(handle, new SurfaceState(handle.id, this.#host));
  }

  surfaceConfigure(
    surface: SurfaceState,
    width: number,
    height: number,
    configuration: SurfaceConfiguration,
  ): void {
    surface.configure({ device: this.current.device, width, height, configuration });
  }

  surfaceUnconfigure(surface: SurfaceState): void {
    surface.unconfigure();
  }

  surfaceGetCurrentTexture(surface: SurfaceState, handle: Handle): void {
    const { texture, charge } = surface.makeTexture();
    this.objects.textures.allocate(handle, texture);
    this.keepCharge(texture, charge);
  }

  surfacePresent(surface: SurfaceState): void {
    const { texture, captured } = surface.present();
    this.#presented.add(texture);
    this.#frame.presented(captured);
  }

  animation(running: boolean): void {
    this.#host.onAnimation(running);
  }

  endFrame(tick: number): void {
    this.#host.onEndFrame(tick, this.#frame.end());
  }
}

/**
 * The promise of a call that also throws, where Dawn does not know a name that the specification has:
 * the program awaits a promise, so it rejects.
 */
async function settled<T>(call: () => Promise<T>): Promise<T> {
  return call();
}
