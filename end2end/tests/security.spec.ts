// What a page may load and run, who may send forms, and how much one address may ask.
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, test } from "../lib/people.ts";

const SQUARE = "/c/harbour/square";

test("a page runs its own scripts and no others", async ({ forum, person, expected }) => {
  expected.push(/violates the following Content Security Policy directive/);
  const ada = await person("Ada");
  const answer = await ada.page.goto(SQUARE);
  const policy = (await answer!.headerValue("content-security-policy"))!;
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain("unsafe-inline");
  const again = await ada.context.request.get(SQUARE);
  expect(again.headers()["content-security-policy"], "a number is used once").not.toBe(policy);
  expect(again.headers()["x-content-type-options"]).toBe("nosniff");
  await ada.settled();
  const ran = await ada.page.evaluate(async () => {
    const main = document.querySelector("main")!;
    const script = document.createElement("script");
    script.textContent = "window.broken = 'inline'";
    main.append(script);
    main.insertAdjacentHTML("beforeend", `<img alt="" src="data:," onerror="window.broken = 'attribute'"><p id="styled" style="position: fixed">x</p>`);
    const far = document.createElement("script");
    far.src = "data:text/javascript,window.broken='elsewhere'";
    main.append(far);
    await new Promise((resolve) => setTimeout(resolve, 300));
    return [(window as { broken?: string }).broken, getComputedStyle(document.querySelector("#styled")!).position];
  });
  expect(ran).toEqual([undefined, "static"]);
  const nothing = await fetch(`${forum.url}/health/live`);
  expect(nothing.headers.get("content-security-policy")).toBe("default-src 'none'; frame-ancestors 'none'");
});

test("a page of another site can neither frame the forum nor send its forms", async ({ forum, person, expected }) => {
  expected.push(/frame-ancestors|Refused to frame|ERR_BLOCKED_BY_RESPONSE|status of 403/);
  const { page } = await person("Ada");
  const form = `<form method="post" action="${forum.url}/api/create_post" target="_self">
    <input name="board" value="1"><input name="title" value="Not mine"><input name="body" value="x"><button>Win a prize</button></form>
    <iframe src="${forum.url}${SQUARE}"></iframe>`;
  const evil = createServer((_, answer) => answer.setHeader("content-type", "text/html").end(`<!doctype html><html lang="en"><title>A prize</title><main><h1>A prize</h1>${form.replace("<iframe", '<iframe title="x"').replaceAll("<input", '<input aria-label="x"')}</main>`));
  evil.listen(0, "127.0.0.1");
  await once(evil, "listening");
  try {
    // Another name of the same machine is another site.
    await page.goto(`http://localhost:${(evil.address() as AddressInfo).port}/`);
    const frame = page.frames().find((frame) => frame !== page.mainFrame());
    await expect.poll(async () => (await frame?.content())?.includes("The square")).toBeFalsy();
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.url().endsWith("/api/create_post")),
      page.getByRole("button", { name: "Win a prize" }).click(),
    ]);
    expect(answer.status()).toBe(403);
    await page.goto(`${forum.url}${SQUARE}`);
    await expect(page.getByText("Not mine")).toHaveCount(0);
  } finally {
    evil.close();
  }
});

test("what is too large is refused, and what has no route is not there", async ({ forum }) => {
  const session = await forum.signIn("Ada");
  const large = await forum.submit("create_post", { board: 1, title: "Large", body: "x".repeat(300_000) }, session);
  expect(large.status).toBe(413);
  expect((await fetch(`${forum.url}/nowhere`)).status).toBe(404);
  const named = await fetch(`${forum.url}/health/live`, { headers: { "x-request-id": "from-a-proxy" } });
  expect(named.headers.get("x-request-id")).toBe("from-a-proxy");
});

test.describe("limits", () => {
  test.use({ environment: { REQUESTS_PER_ADDRESS: "1,20", REALTIME_TRUSTED_PROXIES: "1" } });

  test("an address that asks too often is told when to come back, and nobody else is", async ({ forum }) => {
    const ask = (address: string) => fetch(`${forum.url}/favicon.svg`, { headers: { "x-forwarded-for": address } });
    const statuses = [];
    for (let i = 0; i < 30; i++) statuses.push((await ask("203.0.113.9")).status);
    expect(statuses.slice(0, 20)).toEqual(Array(20).fill(200));
    expect(statuses).toContain(429);
    expect(Number((await ask("203.0.113.9")).headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await ask("203.0.113.10")).status).toBe(200);
  });
});

test("a page keeps its headers, whatever files are asked for while it is made", async ({ forum }) => {
  const session = await forum.signIn("Ada");
  const headers = { cookie: `forum_session=${encodeURIComponent(session)}` };
  for (let round = 0; round < 100; round++) {
    const files = ["/favicon.svg", "/pkg/forum.css", "/pkg/forum.js"].map((path) => fetch(`${forum.url}${path}`));
    const pages = [SQUARE, "/"].map((path) => fetch(`${forum.url}${path}`, { headers }));
    for (const answer of await Promise.all(pages)) {
      expect(answer.headers.get("content-security-policy"), `${answer.url}, round ${round}`).toContain("'nonce-");
      await answer.arrayBuffer();
    }
    for (const answer of await Promise.all(files)) {
      expect(answer.status).toBe(200);
      expect(answer.headers.get("content-security-policy"), answer.url).not.toContain("'nonce-");
      await answer.arrayBuffer();
    }
  }
});

test("who leaves while a page is made ends nothing but that", async ({ forum }) => {
  for (let round = 0; round < 40; round++) {
    const left = new AbortController();
    const page = fetch(`${forum.url}${SQUARE}`, { signal: left.signal });
    setTimeout(() => left.abort(), round % 10);
    await page.then((answer) => answer.arrayBuffer()).catch(() => {});
  }
  expect((await fetch(`${forum.url}${SQUARE}`)).status).toBe(200);
  expect(forum.log).not.toContain("panicked");
});
