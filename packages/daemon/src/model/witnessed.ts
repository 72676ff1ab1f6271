import type { AttemptOutcome, Driver } from "./driver.ts";
import type { Fetch } from "./drivers/provider.ts";
import type { AttemptEvidence, CallEvidence } from "./evidence-port.ts";

/** The driver for one call, with what it is asked and what it answers kept as evidence. */
export function witnessedDriver(driver: Driver, evidence: CallEvidence): Driver {
  let attempts = 0;
  return {
    async attempt(request, options): Promise<AttemptOutcome> {
      attempts += 1;
      const kept = evidence.attempt(attempts);
      await kept.keep("model-request", { format: "json", value: request });
      const outcome = await driver.attempt(request, { ...options, evidence: kept });
      const value = outcome.ok ? outcome.message : { error: outcome.error };
      await kept.keep("model-response", { format: "json", value });
      return outcome;
    },
  };
}

/** A fetch whose traffic is kept. No header is: they carry the credential. */
export function witnessedFetch(
  fetch: Fetch,
  evidence: AttemptEvidence,
): { fetch: Fetch; close(): Promise<void> } {
  const answers: Answer[] = [];
  return {
    async fetch(input, init) {
      const url = input instanceof Request ? input.url : String(input);
      await evidence.keep("provider-request", {
        format: "json",
        value: { method: init?.method ?? "GET", url, body: bodyOf(init?.body) },
      });
      const response = await fetch(input, init);
      const answer: Answer = { status: response.status, pieces: [], kept: 0, missing: 0 };
      answers.push(answer);
      return response.body === null ? response : watched(response, answer, evidence.mostBytes);
    },
    /** What had come when the attempt was over, however it ended. */
    async close() {
      for (const { status, pieces, missing } of answers) {
        const text = `HTTP ${status}\n\n${Buffer.concat(pieces).toString("utf8")}`;
        await evidence.keep("provider-events", { format: "text", text, missing });
      }
    },
  };
}

interface Answer {
  status: number;
  pieces: Uint8Array[];
  kept: number;
  missing: number;
}

function watched(response: Response, answer: Answer, mostBytes: number): Response {
  const body = response.body?.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(piece, controller) {
        const part = piece.slice(0, mostBytes - answer.kept);
        answer.pieces.push(part);
        answer.kept += part.byteLength;
        answer.missing += piece.byteLength - part.byteLength;
        controller.enqueue(piece);
      },
    }),
  );
  const { status, statusText, headers } = response;
  return new Response(body ?? null, { status, statusText, headers });
}

/** As JSON where it is some, so that it can be read and redacted value by value. */
function bodyOf(body: unknown): unknown {
  if (typeof body !== "string") return body === undefined || body === null ? null : "<not text>";
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}
