import { expect, test } from "vitest";
import { tracingWanted } from "./settings.ts";

test.each([
  ["nobody asks", false, {}, undefined],
  ["the flag", true, {}, "flag"],
  ["a collector in the environment", false, { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" }, "environment"],
  ["one for traces alone", false, { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://c/t" }, "environment"],
  ["an empty variable", false, { OTEL_EXPORTER_OTLP_ENDPOINT: "" }, undefined],
  ["OpenTelemetry's switch", true, { OTEL_SDK_DISABLED: "TRUE" }, undefined],
  ["its exporter for traces", true, { OTEL_TRACES_EXPORTER: "none" }, undefined],
] as const)("traces are wanted: %s", (_name, flag, env, wanted) => {
  expect(tracingWanted(flag, env)).toBe(wanted);
});
