import { type CommandDeps, clearGoal, patchGoal, read, requireSession, setGoal } from "../../engine/index.ts";
import { type Binding, bind, ok, param, type Reply } from "../binding.ts";
import { goalView } from "./view.ts";

/** The standing objective of a session (01, Goals). */
export function goalBindings(deps: CommandDeps): Binding[] {
  const id = (request: { params: Record<string, string> }) => param(request, "session_id");
  const show = async (sessionId: string): Promise<Reply> => {
    await requireSession(deps.store, sessionId);
    return ok(goalView((await read(deps.store, "goal", sessionId))?.data.goal));
  };
  return [
    bind("getGoal", (request) => show(id(request))),
    bind("createGoal", async (request) => {
      await setGoal(deps, id(request), request.body, { replace: false });
      return show(id(request));
    }),
    bind("replaceGoal", async (request) => {
      await setGoal(deps, id(request), request.body, { replace: true });
      return show(id(request));
    }),
    bind("patchGoal", async (request) => {
      await patchGoal(deps, id(request), request.body);
      return show(id(request));
    }),
    bind("clearGoal", async (request) => {
      await clearGoal(deps, id(request));
      return show(id(request));
    }),
  ];
}
