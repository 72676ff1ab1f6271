import { type Binding, bind } from "../../../features/binding.ts";
import { openApiDocument } from "./document.ts";

/** Serves the document, written once: the contract does not change while the daemon runs. */
export function openApiBinding(): Binding {
  let text: string | undefined;
  return bind("openapi", async () => {
    text ??= JSON.stringify(openApiDocument());
    return { status: 200, text, contentType: "application/json" };
  });
}
