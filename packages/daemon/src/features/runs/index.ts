export { runBindings } from "./http.ts";
export { RunPrompts } from "./prompt.ts";
export { RunService } from "./service.ts";
export {
  approvalsOf,
  currentRunView,
  movesRun,
  outputRecord,
  outputsOf,
  runEventEntry,
  runViewAt,
} from "./view.ts";
export { WaitForRun } from "./wait.ts";
