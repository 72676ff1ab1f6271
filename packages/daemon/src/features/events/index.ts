export { RUNTIME_STREAM } from "./frames.ts";
export { EventStreams } from "./streams.ts";
export { eventBindings } from "./http.ts";
