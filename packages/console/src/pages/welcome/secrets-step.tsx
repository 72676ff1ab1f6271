import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { kheish } from "../../app/client.ts";
import { empty } from "../../ui/form.tsx";
import { Button, Card, Failure } from "../../ui/parts.tsx";
import { Field } from "./field.tsx";

/** What tools need to know and nobody is to read. */
export function SecretsStep({ onDone }: { onDone: () => void }) {
  const client = useQueryClient();
  const form = useRef<HTMLFormElement>(null);
  const secrets = useQuery({
    queryKey: ["secrets"],
    queryFn: ({ signal }) => kheish().api.listSecrets({ signal }),
  });
  const put = useMutation({
    mutationFn: (fields: FormData) => {
      const state = { value: String(fields.get("value")) };
      const slot_id = String(fields.get("slot")).trim();
      return kheish().api.putSecret({
        body: { slot_id, provider: "generic", mode: "opaque_secret", state },
      });
    },
    onSuccess: (_answer, sent) => form.current && empty(form.current, sent),
    onSettled: () => client.invalidateQueries({ queryKey: ["secrets"] }),
  });
  const slots = secrets.data ?? [];
  return (
    <>
      <p>
        Secrets stand in slots. They are written here and read by nobody: tools and servers name the slot.
      </p>
      <Card>
        <form
          ref={form}
          className="grid gap-3"
          onSubmit={(event) => {
            event.preventDefault();
            put.mutate(new FormData(event.currentTarget));
          }}
        >
          <Field label="Slot" name="slot" placeholder="tools.weather.API_KEY" required />
          <Field label="Value" name="value" type="password" required />
          {put.error && <Failure error={put.error} />}
          <div>
            <Button type="submit" verb="admin" disabled={put.isPending}>
              Keep it
            </Button>
          </div>
        </form>
      </Card>
      {slots.length > 0 && (
        <Card>
          <h2 className="mb-2 font-semibold">Slots</h2>
          <ul className="grid gap-1">
            {slots.map(({ slot_id }) => (
              <li key={slot_id} className="font-mono text-xs wrap-anywhere">
                {slot_id}
              </li>
            ))}
          </ul>
        </Card>
      )}
      <div>
        <Button tone="primary" verb="read" onClick={onDone}>
          Continue
        </Button>
      </div>
    </>
  );
}
