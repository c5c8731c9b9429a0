import type { CDPSession, Page } from "@playwright/test";

/** What a page holds, in bytes. */
export type Memory = { heap: number; wasm: number; nodes: number; listeners: number };

/** What a page holds once everything that can be thrown away is. */
export class MemoryOf {
  private constructor(private readonly devtools: CDPSession) {}

  static async page(page: Page): Promise<MemoryOf> {
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("HeapProfiler.enable");
    await devtools.send("Performance.enable");
    return new MemoryOf(devtools);
  }

  async now(): Promise<Memory> {
    // Twice: what the first one finalises, the second one frees.
    for (let i = 0; i < 2; i++) await this.devtools.send("HeapProfiler.collectGarbage");
    const { usedSize } = await this.devtools.send("Runtime.getHeapUsage");
    const { metrics } = await this.devtools.send("Performance.getMetrics");
    const metric = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? NaN;
    return { heap: usedSize, wasm: await this.wasm(), nodes: metric("Nodes"), listeners: metric("JSEventListeners") };
  }

  /** The memory of the page's Wasm, which only grows. */
  private async wasm(): Promise<number> {
    const { result: prototype } = await this.devtools.send("Runtime.evaluate", { expression: "WebAssembly.Memory.prototype" });
    const { objects } = await this.devtools.send("Runtime.queryObjects", { prototypeObjectId: prototype.objectId! });
    const { result } = await this.devtools.send("Runtime.callFunctionOn", {
      objectId: objects.objectId!,
      functionDeclaration: "function () { return this.reduce((sum, memory) => sum + memory.buffer.byteLength, 0); }",
      returnByValue: true,
    });
    for (const { objectId } of [prototype, objects]) await this.devtools.send("Runtime.releaseObject", { objectId: objectId! });
    return result.value;
  }
}
