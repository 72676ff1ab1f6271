type Env = Readonly<Record<string, string | undefined>>;

/**
 * Whether traces are wanted: by the flag, or because OpenTelemetry's own variables name a collector. Its own switches
 * turn them off whatever else says.
 */
export function tracingWanted(flag: boolean, env: Env): "flag" | "environment" | undefined {
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === "true" || env.OTEL_TRACES_EXPORTER === "none")
    return undefined;
  if (flag) return "flag";
  const collector = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT;
  return collector ? "environment" : undefined;
}
