import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { programFile } from "../../../kernel/package.ts";
import { FileCheck, type FileOptions } from "./file.ts";
import { type PageOptions, type PageReport, verifyPage } from "./page.ts";
import { type FilePage, pagesOf } from "./pages.ts";
import type { VerifyReport } from "./report.ts";

export interface VerifyOptions extends FileOptions {
  /** Checks every signature, also where the chain vouches for the record; false. */
  everySignature?: boolean;
  /** Threads beside this one; none for small files. */
  threads?: number;
}

const WORKER = programFile("governance/audit/verify/verify-worker");
/** A file of fewer pages is checked before a thread has started. */
const PAGES_WORTH_A_THREAD = 4;

/** Checks an exported file with nothing but its bytes and, best, a public key from elsewhere. */
export async function verifyExport(
  chunks: AsyncIterable<Uint8Array>,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const check = new FileCheck(options);
  const everySignature = options.everySignature === true;
  const threads = options.threads ?? availableParallelism();
  const pool = new PagePool(threads);
  const waiting: Promise<PageReport>[] = [];
  let keyIds: string[] | undefined;
  let pages = 0;
  try {
    for await (const { bytes, firstLine } of pagesOf(chunks)) {
      const page = { firstLine, everySignature, ...(keyIds === undefined ? {} : { keyIds }) };
      pages += 1;
      if (keyIds === undefined) {
        const first = verifyPage(bytes, page);
        keyIds = first.keys.map(({ key }) => key.key_id);
        check.add(first);
      } else {
        waiting.push(pages > PAGES_WORTH_A_THREAD ? pool.verify(bytes, page) : settled(bytes, page));
        // Pages are put together in their order, and no more of them are held than keep the threads busy.
        if (waiting.length > 2 * threads) check.add(await next(waiting));
      }
    }
    while (waiting.length > 0) check.add(await next(waiting));
    return check.finish();
  } finally {
    await pool.close();
  }
}

async function settled(bytes: FilePage["bytes"], options: PageOptions): Promise<PageReport> {
  return verifyPage(bytes, options);
}

function next(waiting: Promise<PageReport>[]): Promise<PageReport> {
  const first = waiting.shift();
  if (first === undefined) throw new Error("no page is waited for");
  return first;
}

/** Threads that take pages in turn; started with the first page that needs one. */
class PagePool {
  readonly #size: number;
  #workers: { worker: Worker; answers: PromiseWithResolvers<PageReport>[] }[] = [];
  #turn = 0;

  constructor(size: number) {
    this.#size = Math.max(1, size);
  }

  verify(bytes: Buffer, options: PageOptions): Promise<PageReport> {
    if (this.#workers.length < this.#size) this.#workers.push(this.#start());
    const one = this.#workers[this.#turn++ % this.#workers.length];
    if (one === undefined) throw new Error("no thread");
    const answer = Promise.withResolvers<PageReport>();
    one.answers.push(answer);
    // A rejection is met when the page's turn comes.
    answer.promise.catch(() => undefined);
    const copy = new Uint8Array(bytes);
    one.worker.postMessage({ bytes: copy, options }, [copy.buffer]);
    return answer.promise;
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map(({ worker }) => worker.terminate()));
  }

  #start() {
    const worker = new Worker(WORKER, { env: {}, execArgv: [] });
    const answers: PromiseWithResolvers<PageReport>[] = [];
    worker.on("message", (report: PageReport) => answers.shift()?.resolve(report));
    worker.on("error", (error) => {
      for (const answer of answers.splice(0)) answer.reject(error);
    });
    return { worker, answers };
  }
}
