import { useState } from "react";
import { Copy } from "../ui/copy.tsx";
import { Button, Card, Failure } from "../ui/parts.tsx";

const COMMAND = "kheish up";

/** The daemon does not answer (08, First-run wizard): how to start it, and the way to another one. */
export function Unreachable({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const [invalid, setInvalid] = useState(false);
  const visit = (text: string) => {
    const url = URL.parse(/^https?:\/\//.test(text) ? text : `http://${text}`);
    if (url === null) return setInvalid(true);
    // A page may talk to its own daemon only; the other one brings its own console.
    location.assign(url.origin);
  };
  return (
    <main className="mx-auto grid min-h-dvh max-w-md content-center p-4">
      <Card className="grid gap-4">
        <h1 className="text-xl font-semibold">The daemon does not answer</h1>
        <p className="text-soft">Start it where it lives; its runs go on where they were.</p>
        <Copy text={COMMAND} />
        <Failure error={error} />
        <div>
          <Button tone="primary" onClick={onRetry}>
            Try again
          </Button>
        </div>
        <form
          className="grid gap-2 border-t border-line pt-4"
          onSubmit={(event) => {
            event.preventDefault();
            visit(String(new FormData(event.currentTarget).get("address")).trim());
          }}
        >
          <label className="grid gap-1 font-medium">
            Or open another daemon's console
            <input
              name="address"
              required
              placeholder="127.0.0.1:4000"
              className="rounded-md border border-line bg-canvas px-3 py-2 font-mono"
            />
          </label>
          {invalid && <Failure error={new Error("This is no address.")} />}
          <div>
            <Button type="submit">Open</Button>
          </div>
        </form>
      </Card>
    </main>
  );
}
