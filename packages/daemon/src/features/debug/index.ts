export { DebugCapture } from "./capture.ts";
export { DebugEvidence } from "./evidence.ts";
export { debugBindings } from "./http.ts";
export { type DebugPolicy, debugPolicy } from "./policy.ts";
export { DebugRetention } from "./retention.ts";
