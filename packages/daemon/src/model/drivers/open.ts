import type { Driver } from "../driver.ts";
import type { Route } from "../routes/route.ts";
import { SimulatorDriver } from "../simulator/index.ts";
import type { OpenModel } from "./provider.ts";
import { type DriverPorts, ProviderDriver } from "./provider-driver.ts";
import { type ProviderName, QUIRKS } from "./quirks.ts";

/** SDKs are loaded when a route is first used: most daemons use one of them. */
const PROVIDERS: Record<ProviderName, () => Promise<{ openModel: OpenModel }>> = {
  anthropic: () => import("./providers/anthropic.ts"),
  openai: () => import("./providers/openai.ts"),
  google: () => import("./providers/google.ts"),
  xai: () => import("./providers/xai.ts"),
  openrouter: () => import("./providers/openrouter.ts"),
  openai_compatible: () => import("./providers/openai-compatible.ts"),
};

export async function openDriver(route: Route, ports: DriverPorts): Promise<Driver> {
  if (route.driver === "simulator") return new SimulatorDriver(ports.clock, route);
  const { openModel } = await PROVIDERS[route.driver]();
  return new ProviderDriver(route, openModel, QUIRKS[route.driver], ports);
}
