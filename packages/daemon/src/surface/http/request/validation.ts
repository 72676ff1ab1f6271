import { type Problem, parseSent, problem } from "@kheish/contract";
import type { z } from "zod";
import { jsonPointer } from "./json-pointer.ts";

interface FieldError {
  path: string;
  message: string;
}
type Issue = z.core.$ZodIssue;

/** Enough to repair a request with; a hostile one gets no megabyte of advice. */
const MAX_ERRORS = 50;

/** The body in the shape the schema promises, or a 422 that names each offending field. */
export function validateBody(schema: z.ZodType, value: unknown): unknown {
  return validate(schema, value, (errors) =>
    problem("api", "request_body_invalid", summary("body", errors), { errors }),
  );
}

export function validateQuery(schema: z.ZodType, value: unknown): unknown {
  return validate(schema, value, (errors) =>
    problem("api", "request_query_invalid", summary("query", errors), { errors }),
  );
}

function validate(schema: z.ZodType, value: unknown, refuse: (errors: FieldError[]) => Problem): unknown {
  const parsed = parseSent(schema, value);
  if (parsed.success) return parsed.data;
  throw refuse(parsed.error.issues.flatMap((issue) => fieldErrors(issue, [])).slice(0, MAX_ERRORS));
}

function summary(what: string, errors: readonly FieldError[]): string {
  const [first] = errors;
  return first === undefined
    ? `the ${what} is not valid`
    : `the ${what} is not valid: ${first.path || "/"}: ${first.message}`;
}

function fieldErrors(issue: Issue, parent: readonly PropertyKey[]): FieldError[] {
  const path = [...parent, ...issue.path];
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({ path: jsonPointer([...path, key]), message: "unknown field" }));
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    const nearest = nearestForm(issue.errors);
    if (nearest !== undefined) return nearest.flatMap((inner) => fieldErrors(inner, path));
    return [{ path: jsonPointer(path), message: "none of the accepted forms matches" }];
  }
  return [{ path: jsonPointer(path), message: issue.message }];
}

/** Of the forms a union accepts, the one that was refused for a part of the value and for the fewest reasons. */
function nearestForm(forms: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  return forms
    .filter((issues) => issues.every((issue) => issue.path.length > 0 || issue.code === "unrecognized_keys"))
    .toSorted((one, other) => one.length - other.length)[0];
}
