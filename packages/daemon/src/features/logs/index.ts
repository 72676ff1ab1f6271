export { LogFile } from "./file.ts";
export { logBindings } from "./http.ts";
export { LogRing } from "./ring.ts";
export { logStream } from "./stream.ts";
