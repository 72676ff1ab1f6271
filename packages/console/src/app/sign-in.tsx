import { KheishProblem } from "@kheish/sdk";
import { useState } from "react";
import { Button, Card, Failure } from "../ui/parts.tsx";
import { kheish, signIn } from "./client.ts";
import { queryClient } from "./queries.ts";

/** Asks for a token and looks whether the daemon takes it. */
export function SignIn() {
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const submit = async (form: FormData) => {
    setBusy(true);
    signIn(String(form.get("token")).trim());
    try {
      await kheish().api.status();
      await queryClient.resetQueries();
    } catch (refusal) {
      signIn("");
      setError(refusal instanceof KheishProblem ? new Error(refusal.detail) : refusal);
      setBusy(false);
    }
  };
  return (
    <main className="mx-auto grid min-h-dvh max-w-sm content-center p-4">
      <Card>
        <h1 className="mb-1 text-xl font-semibold">Sign in to Kheish</h1>
        <p className="mb-4 text-soft">
          This daemon asks for a token. It stays in this page only: a reload asks again.
        </p>
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
          {error !== undefined && <Failure error={error} />}
          <Button tone="primary" type="submit" disabled={busy}>
            Sign in
          </Button>
        </form>
      </Card>
    </main>
  );
}
