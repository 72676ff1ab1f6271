import { z } from "zod";
import { StreamEvent } from "../events.ts";
import { HookDeadLetter, HookSettings, ResolveHookDeadLetterRequest } from "../hooks.ts";
import { JsonObject } from "../json.ts";
import { LogEntries, LogStreamQuery, LogsQuery } from "../logs.ts";
import {
  CheckPermissionRequest,
  PermissionExplanation,
  PermissionMatrix,
  PermissionMatrixRequest,
} from "../permissions.ts";
import { LearningPolicy, RunMemoryPolicy } from "../policies.ts";
import {
  AddRouteRequest,
  ReloadRoutesRequest,
  RemoveRouteQuery,
  RouteListView,
  RouteReloadResult,
} from "../routes.ts";
import { DaemonCapabilities, DaemonStatusView, RuntimeSettingsView } from "../runtime.ts";
import {
  ChangeQuery,
  DebugLevelSetting,
  DiffQuery,
  ModelSelection,
  PermissionModeSetting,
  RollbackRequest,
  RuntimeRevisionDiff,
  RuntimeRevisionList,
  SetDebugLevelRequest,
  SetHooksRequest,
  SetModelRequest,
  SetPermissionModeRequest,
  SetPolicyRequest,
  SetSystemPromptRequest,
  SetToolLimitsRequest,
  SystemPromptInput,
} from "../runtime-settings.ts";
import { ToolRuntimeLimits } from "../tool-limits.ts";
import { WhoAmI } from "../whoami.ts";
import { define } from "./parts.ts";

/**
 * A daemon-wide setting: POST for the clients that know it, PUT for the whole of it and PATCH for a part, with the
 * revision as `ETag` and `If-Match` (02-R1).
 */
const runtimeSetting = <P extends z.ZodType, B extends z.ZodType>(
  name: string,
  path: string,
  post: P,
  put: B,
  shown?: { post: z.ZodType; put: z.ZodType },
) => {
  const row = { path: `/v1/runtime/${path}`, tag: "runtime", access: "admin" } as const;
  const responses = { 200: RuntimeSettingsView };
  return {
    post: {
      ...row,
      method: "POST",
      summary: `Change the ${name}`,
      body: post,
      ...(shown && { shownBody: shown.post }),
      responses,
    },
    put: {
      ...row,
      method: "PUT",
      summary: `Replace the ${name}`,
      query: ChangeQuery,
      conditional: true,
      body: put,
      ...(shown && { shownBody: shown.put }),
      responses,
    },
    patch: {
      ...row,
      method: "PATCH",
      summary: `Change a part of the ${name} (RFC 7396)`,
      query: ChangeQuery,
      conditional: true,
      body: JsonObject,
      responses,
    },
  } as const;
};
const model = runtimeSetting("default route and model", "model", SetModelRequest, ModelSelection);
const mode = runtimeSetting(
  "permission mode",
  "permission-mode",
  SetPermissionModeRequest,
  PermissionModeSetting,
);
const prompt = runtimeSetting("system prompt", "system-prompt", SetSystemPromptRequest, SystemPromptInput);
const debugLevel = runtimeSetting("debug level", "debug-level", SetDebugLevelRequest, DebugLevelSetting);
const hooks = runtimeSetting("hooks", "hooks", SetHooksRequest, JsonObject, {
  post: SetHooksRequest.strict().extend({ settings: HookSettings }).meta({ id: "HooksChange" }),
  put: HookSettings,
});
const policy = (name: string, path: string, id: string, shown: z.ZodType) =>
  runtimeSetting(name, path, SetPolicyRequest, JsonObject, {
    post: SetPolicyRequest.strict().extend({ policy: shown }).meta({ id }),
    put: shown,
  });
const learning = policy("learning policy", "learning-policy", "LearningPolicyChange", LearningPolicy);
const runMemory = policy("run-memory policy", "run-memory-policy", "RunMemoryPolicyChange", RunMemoryPolicy);
const toolLimits = runtimeSetting("tool limits", "tool-limits", SetToolLimitsRequest, JsonObject, {
  post: SetToolLimitsRequest.strict().extend({ limits: ToolRuntimeLimits }).meta({ id: "ToolLimitsChange" }),
  put: ToolRuntimeLimits,
});

export const runtimeEndpoints = define({
  status: {
    method: "GET",
    path: "/v1/status",
    tag: "runtime",
    summary: "Operator snapshot",
    access: "read",
    responses: { 200: DaemonStatusView },
  },
  whoami: {
    method: "GET",
    path: "/v1/whoami",
    tag: "runtime",
    summary: "Who the daemon takes you for, and what it lets you do",
    access: "known",
    responses: { 200: WhoAmI },
  },
  capabilities: {
    method: "GET",
    path: "/v1/capabilities",
    tag: "runtime",
    summary: "What this daemon can do",
    access: "read",
    responses: { 200: DaemonCapabilities },
  },
  openapi: {
    method: "GET",
    path: "/v1/openapi.json",
    tag: "runtime",
    summary: "This document",
    access: "read",
    responses: { 200: JsonObject },
  },
  getRuntime: {
    method: "GET",
    path: "/v1/runtime",
    tag: "runtime",
    summary: "Effective runtime settings",
    access: "read",
    responses: { 200: RuntimeSettingsView },
  },
  setModel: model.post,
  putModel: model.put,
  setPermissionMode: mode.post,
  putPermissionMode: mode.put,
  setSystemPrompt: prompt.post,
  putSystemPrompt: prompt.put,
  patchSystemPrompt: prompt.patch,
  setDebugLevel: debugLevel.post,
  putDebugLevel: debugLevel.put,
  getHooks: {
    method: "GET",
    path: hooks.post.path,
    tag: "runtime",
    summary: "The hooks, not redacted",
    access: "admin",
    responses: { 200: HookSettings },
  },
  setHooks: hooks.post,
  putHooks: hooks.put,
  patchHooks: hooks.patch,
  listHookDeadLetters: {
    method: "GET",
    path: "/v1/runtime/hooks/dead-letter",
    tag: "runtime",
    summary: "Hooks that could not be called, oldest first; the newest thousand",
    access: "admin",
    responses: { 200: z.array(HookDeadLetter) },
  },
  resolveHookDeadLetter: {
    method: "POST",
    path: "/v1/runtime/hooks/dead-letter/{dead_letter_id}/resolve",
    tag: "runtime",
    summary: "Say that a hook's failure was looked after; a second time changes nothing",
    access: "admin",
    body: ResolveHookDeadLetterRequest,
    bodyOptional: true,
    responses: { 200: HookDeadLetter },
  },
  getLearningPolicy: {
    method: "GET",
    path: learning.post.path,
    tag: "runtime",
    summary: "The learning policy",
    access: "read",
    responses: { 200: LearningPolicy },
  },
  setLearningPolicy: learning.post,
  putLearningPolicy: learning.put,
  patchLearningPolicy: learning.patch,
  getRunMemoryPolicy: {
    method: "GET",
    path: runMemory.post.path,
    tag: "runtime",
    summary: "The run-memory policy",
    access: "read",
    responses: { 200: RunMemoryPolicy },
  },
  setRunMemoryPolicy: runMemory.post,
  putRunMemoryPolicy: runMemory.put,
  patchRunMemoryPolicy: runMemory.patch,
  getToolLimits: {
    method: "GET",
    path: toolLimits.post.path,
    tag: "runtime",
    summary: "The limits of tool calls",
    access: "read",
    responses: { 200: ToolRuntimeLimits },
  },
  setToolLimits: toolLimits.post,
  putToolLimits: toolLimits.put,
  patchToolLimits: toolLimits.patch,
  listRuntimeRevisions: {
    method: "GET",
    path: "/v1/runtime/revisions",
    tag: "runtime",
    summary: "The settings now and before, newest first",
    access: "admin",
    responses: { 200: RuntimeRevisionList },
  },
  diffRuntimeRevision: {
    method: "GET",
    path: "/v1/runtime/revisions/{revision}/diff",
    tag: "runtime",
    summary: "What a revision changed",
    access: "admin",
    query: DiffQuery,
    responses: { 200: RuntimeRevisionDiff },
  },
  rollbackRuntime: {
    method: "POST",
    path: "/v1/runtime/rollback",
    tag: "runtime",
    summary: "Take back the settings, or one of them, as a new revision",
    access: "admin",
    body: RollbackRequest,
    bodyOptional: true,
    responses: { 200: RuntimeSettingsView },
  },
  checkPermission: {
    method: "POST",
    path: "/v1/runtime/permissions/check",
    tag: "runtime",
    summary: "What would become of a tool call; nothing happens",
    access: "admin",
    body: CheckPermissionRequest,
    responses: { 200: PermissionExplanation },
  },
  permissionMatrix: {
    method: "POST",
    path: "/v1/runtime/permissions/matrix",
    tag: "runtime",
    summary: "What would become of a call of each tool under each mode",
    access: "admin",
    body: PermissionMatrixRequest,
    bodyOptional: true,
    responses: { 200: PermissionMatrix },
  },
  logs: {
    method: "GET",
    path: "/v1/logs",
    tag: "runtime",
    summary: "The newest lines of the daemon's log, oldest first",
    access: "admin",
    query: LogsQuery,
    responses: { 200: LogEntries },
  },
  logStream: {
    method: "GET",
    path: "/v1/logs/stream",
    tag: "runtime",
    summary: "Lines of the daemon's log as they are written",
    access: "admin",
    query: LogStreamQuery,
    kind: "sse",
    responses: { 200: StreamEvent },
  },
  listRoutes: {
    method: "GET",
    path: "/v1/runtime/routes",
    tag: "runtime",
    summary: "Routes with their settings, readiness and source",
    access: "admin",
    responses: { 200: RouteListView },
  },
  addRoute: {
    method: "POST",
    path: "/v1/runtime/routes",
    tag: "runtime",
    summary: "Add a route without a restart",
    access: "admin",
    body: AddRouteRequest,
    responses: { 200: RuntimeSettingsView },
  },
  removeRoute: {
    method: "DELETE",
    path: "/v1/runtime/routes/{route_id}",
    tag: "runtime",
    summary: "Remove a route that was added at run time",
    access: "admin",
    query: RemoveRouteQuery,
    responses: { 200: RuntimeSettingsView },
  },
  reloadRoutes: {
    method: "POST",
    path: "/v1/runtime/routes/reload",
    tag: "runtime",
    summary: "Read the routes file again; answers what changes",
    access: "admin",
    body: ReloadRoutesRequest,
    bodyOptional: true,
    responses: { 200: RouteReloadResult },
  },
});
