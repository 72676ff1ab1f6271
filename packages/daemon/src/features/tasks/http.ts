import { DEFAULT_TAIL_BYTES, DEFAULT_TASK_WAIT_MS, MAX_TAIL_BYTES, MAX_TASK_WAIT_MS } from "@kheish/contract";
import { type Binding, bind, changerOf, ok, param } from "../binding.ts";
import type { TaskService } from "./service.ts";

/** Tasks of a session (04, HTTP). */
export function taskBindings(tasks: TaskService): Binding[] {
  const place = (request: { params: Record<string, string> }): [string, string] => [
    param(request, "session_id"),
    param(request, "task_id"),
  ];
  return [
    bind("listTasks", async (request) =>
      ok(await tasks.page(param(request, "session_id"), request.query, request.query.status)),
    ),
    bind("getTask", async (request) => ok((await tasks.get(...place(request))).value)),
    bind("taskOutput", async (request) => {
      const { wait, timeout_ms, tail_bytes, full } = request.query;
      const options = {
        wait: wait === "true",
        timeoutMs: Math.min(Number(timeout_ms ?? DEFAULT_TASK_WAIT_MS), MAX_TASK_WAIT_MS),
        tailBytes: Math.min(Number(tail_bytes ?? DEFAULT_TAIL_BYTES), MAX_TAIL_BYTES),
        full: full === "true",
      };
      return ok((await tasks.output(...place(request), options, request.signal)).value);
    }),
    bind("stopTask", async (request) => {
      const { reason } = request.body ?? {};
      return ok((await tasks.stop(...place(request), reason, request.signal, changerOf(request))).value);
    }),
  ];
}
