import { expect, it } from "vitest";
import { controlPlaneWarnings } from "./control-plane-warnings.ts";

const plane = {
  base_url: "http://127.0.0.1:4000",
  bind_is_loopback: true,
  auth_enabled: true,
  read_only_token_enabled: true,
  auth_effective_admin_token_available: false,
  auth_duplicate_token: true,
  cors_policy: "loopback" as const,
  cors_allowed_origin_count: 0,
  externally_exposed_without_auth: false,
};

it("02-R86 equal tokens are the one thing said, not also that none is effective", () => {
  expect(controlPlaneWarnings(plane).map(({ code, severity }) => [code, severity])).toEqual([
    ["control_plane_duplicate_tokens", "error"],
  ]);
});

it("without auth tokens do not matter", () => {
  expect(controlPlaneWarnings({ ...plane, auth_enabled: false })).toEqual([]);
});
