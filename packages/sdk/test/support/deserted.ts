import type { AddressInfo } from "node:net";
import { createServer } from "node:net";

/** An address at which somebody listened and nobody does any more. */
export async function deserted(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}
