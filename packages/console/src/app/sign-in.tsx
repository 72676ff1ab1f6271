import { KheishProblem } from "@kheish/sdk";
import { useState } from "react";
import { Button, Card, Failure } from "../ui/parts.tsx";
import { signIn } from "./client.ts";
import { queryClient } from "./queries.ts";

/** Asks for a token and looks whether the daemon takes it. */
export function SignIn() {
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const [stay, setStay] = useState(false);
  const submit = async (form: FormData) => {
    setBusy(true);
    try {
      await signIn(String(form.get("token")).trim(), { stay });
      await queryClient.resetQueries();
    } catch (refusal) {
      setError(refusal instanceof KheishProblem ? new Error(refusal.detail) : refusal);
      setBusy(false);
    }
  };
  return (
    <main className="mx-auto grid min-h-dvh max-w-sm content-center p-4">
      <Card>
        <h1 className="mb-1 text-xl font-semibold">Sign in to Kheish</h1>
        <p className="mb-4 text-soft">This daemon asks for a token.</p>
        <form
          className="grid gap-3"
          onSubmit={(event) => {
            event.preventDefault();
            void submit(new FormData(event.currentTarget));
          }}
        >
          <label className="grid gap-1 font-medium">
            Token
            <input
              name="token"
              type="password"
              autoComplete="off"
              required
              className="rounded-md border border-line bg-canvas px-3 py-2 font-mono"
            />
          </label>
          <label className="flex items-center gap-2">
            <input
              type="checkbox"
              checked={stay}
              aria-describedby="stay"
              onChange={(event) => setStay(event.target.checked)}
            />
            Keep me signed in on this browser
          </label>
          <p id="stay" className="text-soft">
            {stay
              ? "For thirty days, until you sign out or the token ends. The token itself is not kept."
              : "The token stays in this page only: a reload asks again."}
          </p>
          {error !== undefined && <Failure error={error} />}
          <Button tone="primary" type="submit" disabled={busy}>
            Sign in
          </Button>
        </form>
      </Card>
    </main>
  );
}
