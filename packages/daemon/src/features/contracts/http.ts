import { requireSession, type SessionSetting } from "../../engine/index.ts";
import type { Store } from "../../kernel/store.ts";
import { type Binding, type BoundRequest, bind, changerOf, ok, param } from "../binding.ts";
import type { SessionService } from "../sessions/index.ts";

/** What a session demands of its input and of its runs' answers (01-R32 to R35). */
export function contractBindings(store: Store, sessions: SessionService): Binding[] {
  const id = (request: { params: Record<string, string> }) => param(request, "session_id");
  const set = async (
    request: Pick<BoundRequest, "params" | "principal" | "requestId">,
    setting: SessionSetting,
  ) => ok(await sessions.set(id(request), setting, changerOf(request)));

  return [
    bind("getInputContract", async (request) =>
      ok((await requireSession(store, id(request))).data.input_contract ?? null),
    ),
    bind("postInputContract", (request) => set(request, { name: "input_contract", value: request.body })),
    bind("putInputContract", (request) => set(request, { name: "input_contract", value: request.body })),
    bind("deleteInputContract", (request) => set(request, { name: "input_contract", value: null })),
    bind("getOutputContract", async (request) =>
      ok((await requireSession(store, id(request))).data.output_contract ?? null),
    ),
    bind("postOutputContract", (request) => set(request, { name: "output_contract", value: request.body })),
    bind("putOutputContract", (request) => set(request, { name: "output_contract", value: request.body })),
    bind("deleteOutputContract", (request) => set(request, { name: "output_contract", value: null })),
  ];
}
