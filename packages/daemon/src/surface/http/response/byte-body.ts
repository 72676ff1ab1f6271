/**
 * The body of an answer that is made while it is read, and only as fast. When its source fails, the status was sent
 * long ago: `cut` breaks the connection off, so that nobody takes what came for the whole. The source tells its own log.
 */
export function byteBody(bytes: AsyncIterable<Uint8Array>, cut: () => void): ReadableStream<Uint8Array> {
  const chunks = bytes[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(sink) {
        try {
          const next = await chunks.next();
          if (next.done === true) sink.close();
          else sink.enqueue(next.value);
        } catch {
          cut();
        }
      },
      async cancel() {
        await chunks.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}
