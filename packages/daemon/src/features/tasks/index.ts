export { taskBindings } from "./http.ts";
export { MARKER } from "./leftovers.ts";
export { TaskNotices } from "./notices.ts";
export { openTaskOutputs, type TaskOutputs } from "./outputs.ts";
export { TaskService } from "./service.ts";
export { ShellHost } from "./shell-host.ts";
