// A page that loses its connection again and again.
import type { CDPSession, Page } from "@playwright/test";
import { NETWORK, expect, test } from "../lib/people.ts";

const SQUARE = "/c/harbour/square";

type Held = { listeners: number; nodes: number; heap: number; wasm: number };

/** What the page holds, after a collection of what it does not. */
async function held(page: Page, session: CDPSession): Promise<Held> {
  await session.send("HeapProfiler.collectGarbage");
  const { metrics } = await session.send("Performance.getMetrics");
  const metric = (name: string) => metrics.find((metric) => metric.name === name)!.value;
  // The module that the page runs, which answers a second start with what it has.
  const wasm = await page.evaluate(async () => {
    const module = await import(new URL("/pkg/forum.js", location.href).href);
    return (await module.default()).memory.buffer.byteLength as number;
  });
  return { listeners: metric("JSEventListeners"), nodes: metric("Nodes"), heap: metric("JSHeapUsedSize"), wasm };
}

test("thirty reconnects in a row leave no listeners and no memory behind", async ({ forum, person, expected }) => {
  test.setTimeout(120_000);
  expected.push(NETWORK, /ERR_INTERNET_DISCONNECTED/);
  const ada = await person("Ada");
  let sockets = 0;
  ada.page.on("websocket", () => sockets++);
  await ada.page.goto(SQUARE);
  await ada.settled();
  const session = await ada.context.newCDPSession(ada.page);
  await session.send("Performance.enable");
  const state = ada.page.locator(".rt-connection");
  const reconnect = async () => {
    await ada.context.setOffline(true);
    await expect(state).toHaveAttribute("data-state", "offline");
    await ada.context.setOffline(false);
    await ada.settled();
  };
  for (let i = 0; i < 5; i++) await reconnect();
  const early = await held(ada.page, session);
  for (let i = 0; i < 25; i++) await reconnect();
  const late = await held(ada.page, session);

  expect(sockets).toBe(31);
  expect(late.listeners).toBe(early.listeners);
  expect(late.nodes).toBeLessThanOrEqual(early.nodes * 1.1);
  expect(late.heap).toBeLessThanOrEqual(early.heap * 1.1);
  expect(late.wasm).toBeLessThanOrEqual(early.wasm * 1.1);
  await forum.post(await forum.signIn("Bob"), 1, "After all that");
  await expect(ada.post("After all that")).toHaveCount(1);
});
