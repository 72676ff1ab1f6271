import { request } from "node:http";
import { json } from "node:stream/consumers";

/** The request left and no answer came back: nobody here knows what it did. */
export class AnswerLost extends Error {
  constructor(cause: unknown) {
    super("the request was sent and its answer was lost", { cause });
    this.name = "AnswerLost";
  }
}

/** One request on a connection of its own: nothing below us may send it a second time. */
export function askWorld<T>(url: string, body: object, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const lost = (cause: unknown) => reject(new AnswerLost(cause));
    const sent = request(url, { method: "POST", agent: false, signal }, (response) => {
      json(response).then((answer) => resolve(answer as T), lost);
    });
    sent.on("error", lost).end(JSON.stringify(body));
  });
}
