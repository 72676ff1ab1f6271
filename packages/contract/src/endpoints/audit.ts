import { z } from "zod";
import { AuditExportPage, AuditExportQuery, AuditKeyRing, ExternalActionAuditRecord } from "../audit.ts";
import { define, run } from "./parts.ts";

export const auditEndpoints = define({
  externalActions: {
    method: "GET",
    path: `${run}/external-actions`,
    tag: "audit",
    summary: "Signed records of what a run did to the world outside, verified",
    access: "read",
    responses: { 200: z.array(ExternalActionAuditRecord) },
  },
  exportAudit: {
    method: "GET",
    path: "/v1/audit/export",
    tag: "audit",
    summary: "A part of the audit's export file",
    access: "admin",
    query: AuditExportQuery,
    responses: { 200: AuditExportPage },
  },
  auditKeys: {
    method: "GET",
    path: "/v1/audit/keys",
    tag: "audit",
    summary: "The public keys that sign the audit, and how each took over",
    access: "admin",
    responses: { 200: AuditKeyRing },
  },
});
