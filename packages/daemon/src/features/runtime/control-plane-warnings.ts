import type { DaemonStatusView, StatusWarning } from "@kheish/contract";

type ControlPlane = DaemonStatusView["control_plane"];

/** What keeps callers out, or lets too many in, without anybody having meant it (02, Status warning codes). */
export function controlPlaneWarnings(plane: ControlPlane): StatusWarning[] {
  const warnings: StatusWarning[] = [];
  if (!plane.auth_enabled) return warnings;
  if (plane.auth_duplicate_token === true)
    warnings.push({
      severity: "error",
      code: "control_plane_duplicate_tokens",
      message: "the admin and the read-only token are the same, so every token is refused",
      action: "give each role a token of its own",
    });
  else if (plane.auth_effective_admin_token_available === false)
    warnings.push({
      severity: "error",
      code: "control_plane_no_admin_token",
      message: "auth is on and no admin token is loaded: nobody can change anything",
      action: "write a token to the admin token file; it holds from the next request",
    });
  for (const file of plane.auth_token_files ?? []) {
    if (file.token_loaded) continue;
    warnings.push({
      severity: "warning",
      code: "control_plane_token_file_unreadable",
      message: `the ${file.role === "admin" ? "admin" : "read-only"} token is not loaded: ${file.error ?? "unknown"}`,
      related_id: file.path,
      action: "make the file readable for the daemon's user, and not empty",
    });
  }
  return warnings;
}
