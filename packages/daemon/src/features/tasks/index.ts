export { taskBindings } from "./http.ts";
export { TaskNotices } from "./notices.ts";
export { openTaskOutputs, type TaskOutputs } from "./outputs.ts";
export { TaskService } from "./service.ts";
export { MARKER, ShellHost } from "./shell-host.ts";
