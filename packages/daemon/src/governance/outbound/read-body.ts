import { Readable, type Transform } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib";
import { OutboundRefused } from "./refused.ts";

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
};

export interface BodyRead {
  bytes: Buffer;
  /** There was more. */
  truncated: boolean;
}

/**
 * The first `maxBytes` of an answer's body. A length beyond that is refused when it was declared (03-R17), and so is a
 * compressed body that grows beyond it: nobody had asked for compression, and a few bytes may become any number.
 */
export async function readBody({ headers, body }: Response, maxBytes: number): Promise<BodyRead> {
  const declared = Number(headers.get("content-length") ?? 0);
  const encodings = (headers.get("content-encoding") ?? "").toLowerCase().split(/[\s,]+/);
  const encoding = encodings.filter((one) => one !== "" && one !== "identity").join(", ");
  const decoder = DECODERS[encoding];
  if (declared > maxBytes || (encoding !== "" && decoder === undefined)) {
    await body?.cancel();
    if (declared > maxBytes) throw tooLarge(`its body of ${declared} bytes exceeds ${maxBytes} bytes`);
    throw new OutboundRefused("decode", `the content encoding '${encoding.slice(0, 100)}' is not supported`);
  }
  if (body === null) return { bytes: Buffer.alloc(0), truncated: false };
  const source = Readable.fromWeb(body as ReadableStream<Uint8Array>);
  if (decoder === undefined) return firstOf(source, maxBytes);
  const decoded = decoder();
  let broken: unknown;
  source.once("error", (error) => {
    broken = error;
    decoded.destroy(error);
  });
  const read = await firstOf(source.pipe(decoded), maxBytes)
    .catch((error: unknown) => {
      throw broken ?? new OutboundRefused("decode", `its body is no valid ${encoding}`, { cause: error });
    })
    .finally(() => source.destroy());
  if (read.truncated) throw tooLarge(`its ${encoding} body unpacks to more than ${maxBytes} bytes`);
  return read;
}

async function firstOf(stream: AsyncIterable<Uint8Array>, maxBytes: number): Promise<BodyRead> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of stream) {
    pieces.push(piece);
    size += piece.byteLength;
    if (size > maxBytes) break;
  }
  return { bytes: Buffer.concat(pieces).subarray(0, maxBytes), truncated: size > maxBytes };
}

function tooLarge(what: string): OutboundRefused {
  return new OutboundRefused("response_too_large", what);
}
