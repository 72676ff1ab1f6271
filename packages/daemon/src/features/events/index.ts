export { type CursorOptions, cursorOf } from "./cursor.ts";
export { RUNTIME_STREAM } from "./frames.ts";
export { eventBindings } from "./http.ts";
export { EventStreams } from "./streams.ts";
