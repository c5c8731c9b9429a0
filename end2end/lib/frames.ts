import type { Page } from "@playwright/test";
import { quantile, round } from "./figures.ts";

/** A frame that takes longer than this is one that people see. */
const LONG = 50;

type Measured = { frames: number[]; tasks: number[] };
type Measuring = Window & { measured?: Measured };

/** How long the page's frames took, for so many milliseconds: what a person could see of it. */
export async function frames(page: Page, duration: number) {
  await page.bringToFront();
  const { frames, tasks } = await page.evaluate(async (duration) => {
    const measured: Measured = { frames: [], tasks: [] };
    (window as Measuring).measured = measured;
    const observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) measured.tasks.push(entry.duration);
    });
    observer.observe({ type: "longtask" });
    const began = performance.now();
    let last: number | undefined;
    await new Promise<void>((resolve) => {
      const frame = (now: number) => {
        if (last !== undefined) measured.frames.push(now - last);
        last = now;
        if (now - began < duration) requestAnimationFrame(frame);
        else resolve();
      };
      requestAnimationFrame(frame);
    });
    observer.disconnect();
    return measured;
  }, duration);
  return {
    frames: frames.length,
    p50_ms: round(quantile(frames, 0.5)),
    p99_ms: round(quantile(frames, 0.99)),
    max_ms: round(Math.max(...frames)),
    over_50_ms: frames.filter((frame) => frame > LONG).length,
    long_tasks: tasks.length,
    longest_task_ms: round(Math.max(0, ...tasks)),
  };
}
