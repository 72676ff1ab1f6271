import { Mode } from "./mode.tsx";
import { Rules } from "./rules.tsx";
import { Try } from "./try.tsx";

/** What agents may do by themselves: the mode, the rules of the daemon, and what would become of a call. */
export function Permissions() {
  return (
    <div className="grid gap-6 *:min-w-0">
      <Mode />
      <Rules />
      <Try />
    </div>
  );
}
