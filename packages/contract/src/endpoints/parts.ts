import { z } from "zod";
import type { Endpoint } from "./endpoint.ts";

/** Rows of the endpoint table, each with its own exact type. */
export const define = <const T extends Record<string, Endpoint>>(table: T): T => table;

export const noBody = z.strictObject({});

/** Paths that several resources stand under. */
export const session = "/v1/sessions/{session_id}";
export const run = "/v1/runs/{run_id}";
