import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { startNotifying, stopNotifying, useNotifying } from "../app/notify.ts";
import { statusQuery } from "../app/queries.ts";
import { setTheme, THEMES, useTheme } from "../app/theme.ts";
import { whoQuery } from "../app/who.tsx";
import { SelectField, TextField } from "../ui/form.tsx";
import { Loaded } from "../ui/loaded.tsx";
import { Button, Card, Time, Title } from "../ui/parts.tsx";

/** What this browser remembers, and who the daemon takes it for. */
export function Settings() {
  return (
    <>
      <Title>Settings</Title>
      <div className="grid max-w-2xl gap-4">
        <Who />
        <Appearance />
        <Notifications />
        <Daemon />
      </div>
    </>
  );
}

function Facts({ facts }: { facts: readonly (readonly [name: string, value: React.ReactNode])[] }) {
  return (
    <dl className="grid grid-cols-[6rem_minmax(0,1fr)] gap-2 sm:grid-cols-[9rem_minmax(0,1fr)]">
      {facts.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-soft">{name}</dt>
          <dd className="min-w-0 wrap-anywhere">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Who() {
  return (
    <Card className="grid gap-3">
      <h2 className="font-semibold">Who you are here</h2>
      <Loaded query={useQuery(whoQuery)} lines={3}>
        {({ principal, auth, verbs, resources, expires_at_ms }) => (
          <Facts
            facts={[
              ["Principal", principal],
              ["Signed in", auth === "off" ? "nobody is asked: this daemon takes everybody" : "with a token"],
              ["May", verbs.join(", ")],
              ["Resources", resources.join(" ")],
              [
                "Good until",
                expires_at_ms === undefined ? "no end is set" : <Time key="until" at={expires_at_ms} />,
              ],
            ]}
          />
        )}
      </Loaded>
    </Card>
  );
}

function Appearance() {
  const theme = useTheme();
  return (
    <Card className="grid gap-3">
      <h2 className="font-semibold">Appearance</h2>
      <SelectField
        label="Theme"
        options={THEMES}
        value={theme}
        onChange={(event) => setTheme(THEMES.find((one) => one === event.target.value) ?? "system")}
      />
    </Card>
  );
}

function Notifications() {
  const isOn = useNotifying();
  const [refused, setRefused] = useState(false);
  const turn = async () => {
    if (isOn) stopNotifying();
    else setRefused(!(await startNotifying()));
  };
  return (
    <Card className="grid gap-3">
      <h2 className="font-semibold">Notifications</h2>
      <p className="text-soft">
        Tells you of what waits for a human while this page is open and out of sight.
      </p>
      <div>
        <Button aria-pressed={isOn} onClick={() => void turn()}>
          {isOn ? "Turn off" : "Turn on"}
        </Button>
      </div>
      {refused && <p role="status">The browser does not allow it; its settings for this page decide.</p>}
    </Card>
  );
}

function Daemon() {
  const status = useQuery(statusQuery);
  const [isInvalid, setInvalid] = useState(false);
  const visit = (text: string) => {
    const url = URL.parse(/^https?:\/\//.test(text) ? text : `http://${text}`);
    if (url === null) return setInvalid(true);
    location.assign(url.origin);
  };
  return (
    <Card className="grid gap-3">
      <h2 className="font-semibold">Daemon</h2>
      <Facts
        facts={[
          ["Address", location.origin],
          ["Store", status.data?.storage.engine ?? ""],
          ["State root", status.data?.runtime.state_root ?? "not told to you"],
          ["Version", status.data?.capabilities.control_plane_version ?? ""],
        ]}
      />
      <form
        className="grid gap-2 border-t border-line pt-3"
        onSubmit={(event) => {
          event.preventDefault();
          visit(String(new FormData(event.currentTarget).get("address")).trim());
        }}
      >
        <TextField
          label="Another daemon's console"
          name="address"
          required
          placeholder="127.0.0.1:4000"
          hint={
            isInvalid
              ? "This is no address."
              : "A page talks to its own daemon only; the other one brings its own."
          }
        />
        <div>
          <Button type="submit">Open</Button>
        </div>
      </form>
    </Card>
  );
}
