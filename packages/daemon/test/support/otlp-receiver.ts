import { createServer } from "node:http";
import { json } from "node:stream/consumers";

/** A span as OTLP's JSON has it, with attributes as an object. */
export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  status: { code?: number; message?: string };
  events: { name: string }[];
  attributes: Record<string, unknown>;
  resource: Record<string, unknown>;
}

interface KeyValue {
  key: string;
  value: Record<string, unknown> & { arrayValue?: { values: Record<string, unknown>[] } };
}
type Wire = Omit<ReceivedSpan, "attributes" | "resource" | "events"> & {
  attributes: KeyValue[];
  events?: { name: string }[];
};

/** A collector's OTLP/HTTP door for traces, written from the protocol and not from our exporter. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  readonly raw: string[] = [];
  readonly headers: Record<string, unknown>[] = [];
  /** Answered while it is set, with this status. */
  failing: number | undefined;
  readonly #server = createServer(async (request, response) => {
    const body = (await json(request)) as {
      resourceSpans: { resource: { attributes: KeyValue[] }; scopeSpans: { spans: Wire[] }[] }[];
    };
    this.headers.push({ ...request.headers, url: request.url });
    if (this.failing !== undefined) {
      response.writeHead(this.failing).end();
      return;
    }
    this.raw.push(JSON.stringify(body));
    for (const { resource, scopeSpans } of body.resourceSpans) {
      for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
        this.spans.push({
          ...span,
          events: span.events ?? [],
          attributes: plain(span.attributes),
          resource: plain(resource.attributes),
        });
      }
    }
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
    this.#wake();
  });
  #wake: () => void = () => undefined;

  static async start(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, "127.0.0.1", resolve));
    return receiver;
  }

  get endpoint(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the receiver is not listening");
    return `http://127.0.0.1:${address.port}`;
  }

  /** Resolves once a run's own span has come. */
  async traceOf(runId: string): Promise<ReceivedSpan[]> {
    for (;;) {
      const root = this.spans.find(
        (span) => span.parentSpanId === undefined && span.attributes["kheish.run.id"] === runId,
      );
      if (root !== undefined) return this.spans.filter((span) => span.traceId === root.traceId);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function plain(attributes: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.arrayValue === undefined
        ? Object.values(value)[0]
        : value.arrayValue.values.map((one) => Object.values(one)[0]),
    ]),
  );
}
