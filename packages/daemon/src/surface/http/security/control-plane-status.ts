import { type AuthSettings, hasReadOnly, isAuthEnabled } from "./auth-settings.ts";
import { authority, type BindAddress, isLoopbackHost, isUnspecifiedHost } from "./bind-address.ts";
import { type CorsSettings, corsPolicy } from "./cors-policy.ts";
import { loadTokens, type TokenFileState } from "./tokens.ts";

/** The block `control_plane` of `GET /v1/status`. */
export interface ControlPlaneStatus {
  base_url: string;
  bind_addr: string;
  bind_is_loopback: boolean;
  bind_is_unspecified: boolean;
  auth_enabled: boolean;
  read_only_token_enabled: boolean;
  auth_effective_admin_token_available: boolean;
  auth_effective_read_only_token_available: boolean;
  auth_token_file_count: number;
  auth_token_file_error_count: number;
  auth_duplicate_token: boolean;
  auth_token_files: TokenFileState[];
  cors_policy: "loopback" | "exact";
  cors_allowed_origin_count: number;
  externally_exposed_without_auth: boolean;
}

interface ControlPlane {
  bind: BindAddress;
  baseUrl: string;
  auth: AuthSettings;
  cors: CorsSettings;
  readFile: (path: string) => Promise<string>;
}

/** How the door stands right now; token files are read for it, as a request would. */
export async function controlPlaneStatus(plane: ControlPlane): Promise<ControlPlaneStatus> {
  const { bind, auth } = plane;
  const tokens = await loadTokens(auth, plane.readFile);
  const policy = corsPolicy(plane.cors);
  const enabled = isAuthEnabled(auth);
  const loopback = isLoopbackHost(bind.host);
  return {
    base_url: plane.baseUrl,
    bind_addr: authority(bind.host, bind.port),
    bind_is_loopback: loopback,
    bind_is_unspecified: isUnspecifiedHost(bind.host),
    auth_enabled: enabled,
    read_only_token_enabled: enabled && hasReadOnly(auth),
    auth_effective_admin_token_available: enabled && tokens.admin !== undefined && !tokens.duplicate,
    auth_effective_read_only_token_available: enabled && tokens.readOnly !== undefined && !tokens.duplicate,
    auth_token_file_count: tokens.files.length,
    auth_token_file_error_count: tokens.files.filter((file) => !file.token_loaded).length,
    auth_duplicate_token: tokens.duplicate,
    auth_token_files: tokens.files,
    cors_policy: policy.name,
    cors_allowed_origin_count: policy.originCount,
    externally_exposed_without_auth: !loopback && !enabled,
  };
}
