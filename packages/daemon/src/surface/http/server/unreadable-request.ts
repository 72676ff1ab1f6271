import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { genericProblem, type Problem, problem } from "@kheish/contract";

const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** Node's own default, said aloud: the request line and all headers together. */
export const MAX_HEADER_BYTES = 16 * 1024;

function problemFor(code: string | undefined): Problem {
  if (code === "HPE_HEADER_OVERFLOW")
    return problem(
      "api",
      "headers_too_large",
      `the request line and the headers are together larger than ${MAX_HEADER_BYTES} bytes`,
    );
  const status = STATUS_OF_CODE[code ?? ""] ?? 400;
  return genericProblem(status, "the bytes received are not an HTTP request");
}

/** Bytes that never became a request get a problem document too, and the connection ends. */
export function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket, answering: boolean): void {
  if (answering || !socket.writable) {
    socket.destroy();
    return;
  }
  const refused = problemFor(error.code);
  const { status } = refused;
  const body = JSON.stringify(refused.toDetails());
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
