import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { kheish } from "../app/client.ts";
import { statusQuery } from "../app/queries.ts";
import { Choice } from "../ui/choice.tsx";
import { Copy } from "../ui/copy.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Button } from "../ui/parts.tsx";
import { LANGUAGES, type Language } from "./languages.ts";
import { skeletonOf } from "./skeleton.ts";

/** How a program does what this page does. */
export function UseViaSdk({
  sessionId,
  route,
  onClose,
}: {
  sessionId: string;
  route?: string | undefined;
  onClose: () => void;
}) {
  const [language, setLanguage] = useState<Language>(LANGUAGES[0]);
  const needsToken = useQuery(statusQuery).data?.control_plane.auth_enabled ?? false;
  const contract = useQuery({
    queryKey: ["session", sessionId, "input-contract"],
    queryFn: ({ signal }) => kheish().api.getInputContract({ params: { session_id: sessionId }, signal }),
  });
  const schema = contract.data?.schema;
  const payload = schema === undefined ? undefined : skeletonOf(schema);
  const text = language.write({
    baseUrl: location.origin,
    sessionId,
    needsToken,
    route,
    ...(payload !== undefined && { payload }),
  });
  return (
    <Dialog label="Use via SDK" onClose={onClose} className="w-[min(46rem,94vw)]">
      <div className="grid grid-cols-1 gap-3 p-5">
        <h2 className="text-lg font-semibold">Use via SDK</h2>
        <Choice label="Language" items={LANGUAGES} chosen={language} onChoose={setLanguage} />
        <Copy text={text} />
        {needsToken && <p className="text-soft">The token comes from the variable KHEISH_TOKEN.</p>}
        {payload !== undefined && (
          <p className="text-wait">
            This session has an input contract: what does not fit it is refused. Fill in the fields.
          </p>
        )}
        <div>
          <Button onClick={(event) => event.currentTarget.closest("dialog")?.close()}>Close</Button>
        </div>
      </div>
    </Dialog>
  );
}
