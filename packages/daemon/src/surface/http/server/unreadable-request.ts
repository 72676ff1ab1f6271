import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { genericProblem } from "@kheish/contract";

const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Bytes that never became a request get a problem document too, and the connection ends. */
export function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket, answering: boolean): void {
  if (answering || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = STATUS_OF_CODE[error.code ?? ""] ?? 400;
  const body = JSON.stringify(
    genericProblem(status, "the bytes received are not an HTTP request").toDetails(),
  );
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
      "connection: close",
      "content-type: application/problem+json",
      "x-content-type-options: nosniff",
      `content-length: ${Buffer.byteLength(body)}`,
      "",
      body,
    ].join("\r\n"),
  );
}
