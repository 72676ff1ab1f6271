import type { z } from "zod";

/** What is wrong with a value, one entry per offending field; paths are JSON Pointers. */
export function fieldErrors(error: z.ZodError): { path: string; message: string }[] {
  return error.issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => ({ path: pointer([...issue.path, key]), message: "unknown field" }))
      : [{ path: pointer(issue.path), message: issue.message }],
  );
}

/** RFC 6901. */
export function pointer(path: readonly PropertyKey[]): string {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
