import { EventEmitter } from "node:events";

/** The kinds of Socket.IO packets, as they are numbered on the line. */
const CONNECT = 0;
const EVENT = 2;
const ACK = 3;
const CONNECT_ERROR = 4;

type Packet = { type: number; nsp: string; id?: number; data?: unknown };

/** Writes as the stock client's parser does, as far as the protocol needs it: text, in the default namespace. */
class Encoder {
  encode({ type, id, data }: Packet): string[] {
    return [`${type}${id ?? ""}${data === undefined ? "" : JSON.stringify(data)}`];
  }
}

/** Reads that it is connected, and the answers to commands; of the rest it only reads the server's last words. */
class Decoder extends EventEmitter {
  add(text: string): void {
    const type = Number(text[0]);
    if (type === EVENT && !text.startsWith('2["goodbye"')) return;
    const id = type === ACK ? /^\d*/.exec(text.slice(1))![0] : "";
    const rest = text.slice(1 + id.length);
    const data = rest ? JSON.parse(rest) : undefined;
    const known = [CONNECT, EVENT, ACK, CONNECT_ERROR].includes(type);
    if (known) this.emit("decoded", { type, nsp: "/", id: id ? Number(id) : undefined, data });
  }

  destroy(): void {}
}

/** The stock client's `parser` for the many: what they are told costs the machine next to nothing. */
export const deaf = { Encoder, Decoder };
