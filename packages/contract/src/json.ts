import { z } from "zod";

/** Any JSON value. What crosses the wire or enters the store is one of these. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export const Json: z.ZodType<Json> = z.json() as z.ZodType<Json>;
export const JsonObject: z.ZodType<JsonObject> = z.record(z.string(), z.json()) as z.ZodType<JsonObject>;

/** Milliseconds since the Unix epoch. */
export const Millis = z.int().nonnegative();
