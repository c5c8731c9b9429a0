import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";

/** What came over the line for one address, and how long its first byte took. */
export type Answer = { bytes: number; encoding: string; firstByte: number; body: Buffer };

/** Asks as a browser would that takes this encoding, over a connection of its own. */
export async function ask(url: string, encoding: "br" | "identity", session?: string): Promise<Answer> {
  const headers: Record<string, string> = { "accept-encoding": encoding, accept: "text/html,*/*" };
  if (session) headers.cookie = `forum_session=${encodeURIComponent(session)}`;
  const began = performance.now();
  const asked = request(url, { headers, agent: false });
  asked.end();
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  const firstByte = performance.now() - began;
  const body = Buffer.concat(await answer.toArray());
  if (answer.statusCode !== 200) throw new Error(`${url}: ${answer.statusCode}`);
  return { bytes: body.length, encoding: answer.headers["content-encoding"] ?? "identity", firstByte, body };
}

/** Its size as it is, and as it is served to a browser. */
export async function weigh(url: string, session?: string): Promise<{ raw: number; served: number; encoding: string }> {
  const [raw, small] = [await ask(url, "identity", session), await ask(url, "br", session)];
  return { raw: raw.bytes, served: small.bytes, encoding: small.encoding };
}
