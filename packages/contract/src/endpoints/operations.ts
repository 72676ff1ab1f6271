import { z } from "zod";
import { define } from "./parts.ts";

export const operationsEndpoints = define({
  healthz: {
    method: "GET",
    path: "/healthz",
    tag: "probes",
    summary: "Liveness",
    access: "none",
    kind: "text",
    responses: { 200: z.string() },
  },
  readyz: {
    method: "GET",
    path: "/readyz",
    tag: "probes",
    summary: "Readiness; 503 while draining, or without its state root",
    access: "none",
    kind: "text",
    responses: { 200: z.string() },
  },
  metrics: {
    method: "GET",
    path: "/metrics",
    tag: "operations",
    summary: "Measurements in the Prometheus text format",
    access: "read",
    kind: "text",
    responses: { 200: z.string() },
  },
  backup: {
    method: "GET",
    path: "/v1/runtime/backup",
    tag: "operations",
    summary: "One consistent archive of the whole state, streamed while the daemon works",
    access: "admin",
    kind: "binary",
    mediaType: "application/x-tar",
    responses: { 200: z.string().meta({ format: "binary" }) },
  },
});
