export { type CursorOptions, cursorOf } from "./cursor.ts";
export { RUNTIME_STREAM } from "./frames.ts";
export { eventBindings } from "./http.ts";
export { NewestShown } from "./newest-shown.ts";
export { EventStreams } from "./streams.ts";
