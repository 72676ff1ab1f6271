import type { SkillSummary, SkillView } from "@kheish/sdk";
import { queryOptions, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { kheish } from "../app/client.ts";
import { ConfirmButton } from "../ui/confirm.tsx";
import { AreaField, ChangeForm, Disclosure, type Fields, TextField } from "../ui/form.tsx";
import { Loaded } from "../ui/loaded.tsx";
import { useReasonAgainst } from "../ui/may.tsx";
import { Missing } from "../ui/missing.tsx";
import { Button, Card, Empty, Json, Time, Title, words } from "../ui/parts.tsx";
import { Refusal } from "../ui/refusal.tsx";
import { RevisedForm } from "../ui/revised-form.tsx";
import { useChange } from "../ui/use-change.ts";
import { useUntouched } from "../ui/use-untouched.ts";

const STALE = ["skills", "skill-library"];
const SCOPES = {
  explicit: "from a folder that the daemon was given",
  runtime: "added at run time",
  repo: "from the workspace",
  user: "from the user's folder",
  built_in: "comes with the daemon",
};

/** How a skill runs, where it says so. */
const RUNTIME_FILE = "agents/kheish.yaml";
/** No request's fields have these. */
const ONLY_IN_FOLDERS = ["license", "compatibility", "metadata"] as const;

const skillsQuery = (wanted: string) =>
  queryOptions({
    queryKey: ["skills", { wanted }],
    queryFn: ({ signal }) =>
      kheish().api.listSkills({ ...(wanted !== "" && { query: { query: wanted } }), signal }),
    placeholderData: (before) => before,
  });
const skillQuery = (name: string) =>
  queryOptions({
    queryKey: ["skills", name],
    queryFn: ({ signal }) => kheish().api.getSkill({ params: { skill_name: name }, signal }),
  });
const libraryQuery = queryOptions({
  queryKey: ["skill-library"],
  queryFn: ({ signal }) => kheish().api.getSkillLibrary({ signal }),
});

/** Skills: what agents can be taught for a while. The address names the one that is open. */
export function Library() {
  const search = useSearch({ strict: false }) as { skill?: unknown };
  const navigate = useNavigate();
  const [wanted, setWanted] = useState("");
  const open = typeof search.skill === "string" ? search.skill : undefined;
  const show = (skill: string | undefined) =>
    void navigate({ to: "/library", search: skill === undefined ? {} : { skill } });
  const found = useQuery(skillsQuery(wanted.trim()));
  const isAll = wanted.trim() === "" && !found.isPlaceholderData;
  const mayChange = useReasonAgainst("admin") === undefined;
  return (
    <>
      <Title>Library</Title>
      <div className="grid gap-4 *:min-w-0">
        <input
          type="search"
          aria-label="Search skills"
          placeholder="words of a name, a description or a use"
          value={wanted}
          onChange={(event) => setWanted(event.target.value)}
          className="w-full rounded-md border border-line bg-surface px-3 py-2"
        />
        <Loaded query={found}>
          {(skills) => (
            <>
              {open !== undefined && isAll && !skills.some(({ name }) => name === open) && (
                <Missing>There is no skill {open}; it may have been removed.</Missing>
              )}
              {skills.length === 0 ? (
                <Empty>{wanted === "" ? "No skill." : "No skill has these words."}</Empty>
              ) : (
                <ul className="grid gap-3">
                  {skills.map((skill) => (
                    <Skill key={skill.name} skill={skill} isOpen={skill.name === open} onOpen={show} />
                  ))}
                </ul>
              )}
            </>
          )}
        </Loaded>
        <Disclosure name="Add a skill">
          <AddSkill />
        </Disclosure>
        {mayChange && <Sources />}
      </div>
    </>
  );
}

function Skill({
  skill,
  isOpen,
  onOpen,
}: {
  skill: SkillSummary;
  isOpen: boolean;
  onOpen: (name: string | undefined) => void;
}) {
  return (
    <li>
      <Card className="grid gap-2">
        <div className="flex flex-wrap items-start justify-between gap-2 md:flex-nowrap">
          <div className="min-w-0">
            <h2 className="font-semibold wrap-anywhere">
              {skill.name} <span className="font-normal text-soft">{skill.version}</span>
            </h2>
            <p className="wrap-anywhere">{skill.description}</p>
            <p className="text-soft">
              {SCOPES[skill.scope]},{" "}
              {skill.runtime.context === "fork" ? "runs beside the session" : "runs in the session"}
            </p>
          </div>
          <Button aria-expanded={isOpen} onClick={() => onOpen(isOpen ? undefined : skill.name)}>
            {isOpen ? "Close" : "Open"}
            <span className="sr-only"> {skill.name}</span>
          </Button>
        </div>
        {isOpen && <Detail name={skill.name} onGone={() => onOpen(undefined)} />}
      </Card>
    </li>
  );
}

function Detail({ name, onGone }: { name: string; onGone: () => void }) {
  const query = useQuery(skillQuery(name));
  return (
    <Loaded query={query}>
      {(skill) => (
        <div className="grid gap-3 border-t border-line pt-3">
          {skill.when_to_use !== undefined && <p>{skill.when_to_use}</p>}
          <Json value={skill.instructions} />
          <ul className="font-mono text-xs">
            {skill.files.map(({ path, size_bytes }) => (
              <li key={path}>
                {path} <span className="text-soft">{size_bytes} bytes</span>
              </li>
            ))}
          </ul>
          <p className="text-soft wrap-anywhere">
            {limits(skill)} Digest {skill.digest}.
            {skill.added_at_ms !== undefined && (
              <>
                {" "}
                Added by {skill.added_by}, <Time at={skill.added_at_ms} />.
              </>
            )}
          </p>
          {skill.scope === "runtime" && (
            <Change now={skill} onGone={onGone} onReload={() => void query.refetch()} />
          )}
        </div>
      )}
    </Loaded>
  );
}

function limits({ runtime: { allowed_tools, blocked_tools } }: SkillView): string {
  const parts = [
    ...(allowed_tools.length > 0 ? [`Tools: ${allowed_tools.join(", ")}.`] : []),
    ...(blocked_tools.length > 0 ? [`Without: ${blocked_tools.join(", ")}.`] : []),
  ];
  return parts.join(" ");
}

/** One that was added here is replaced and removed here; the others are their folder's. */
function Change({ now, onGone, onReload }: { now: SkillView; onGone: () => void; onReload: () => void }) {
  const begun = useUntouched(now);
  const { shown: skill, release } = begun;
  const params = { skill_name: skill.name };
  const lost = ONLY_IN_FOLDERS.filter((field) => skill[field] !== undefined);
  const set = useChange(
    (fields: Fields) =>
      kheish().api.setSkill({
        params,
        body: {
          ...skillIn(fields),
          // Not asked for here, and not to be lost: above all the tools that it must not use.
          ...(skill.files.some(({ path }) => path === RUNTIME_FILE) && { runtime: skill.runtime }),
          ...(skill.version !== undefined && { version: skill.version }),
          ...(skill.revision !== undefined && { expected_revision: skill.revision }),
        },
      }),
    { stale: STALE, onDone: release },
  );
  const remove = useChange(() => kheish().api.removeSkill({ params }), { stale: STALE, onDone: onGone });
  return (
    <>
      <Disclosure name="Replace it">
        <RevisedForm of={begun} change={set} submit="Replace the skill" onReload={onReload}>
          <SkillFields skill={skill} />
          {lost.length > 0 && (
            <p className="text-wait">
              Written from these fields, it is without its {lost.join(" and ")}. To keep them, send its
              folder.
            </p>
          )}
        </RevisedForm>
      </Disclosure>
      <div>
        <ConfirmButton
          name="Remove"
          what={`Remove the skill ${skill.name}?`}
          change={remove}
          input={() => undefined}
        >
          <p>Sessions in which it is active keep it as it is; no other session finds it any more.</p>
        </ConfirmButton>
      </div>
    </>
  );
}

function AddSkill() {
  const add = useChange(
    (fields: Fields) =>
      kheish().api.addSkill({ body: { name: fields.required("name"), ...skillIn(fields) } }),
    { stale: STALE },
  );
  return (
    <ChangeForm change={add} submit="Add the skill">
      <TextField label="Name" name="name" required placeholder="release-notes" />
      <SkillFields />
    </ChangeForm>
  );
}

function SkillFields({ skill }: { skill?: SkillView }) {
  return (
    <>
      <TextField
        label="Description"
        name="description"
        required
        defaultValue={skill?.description}
        hint="What agents are told of it before they use it."
      />
      <TextField label="When to use it" name="when_to_use" defaultValue={skill?.when_to_use} />
      <AreaField
        label="Instructions (Markdown)"
        name="instructions"
        rows={10}
        required
        defaultValue={skill?.instructions}
      />
    </>
  );
}

function skillIn(fields: Fields) {
  const when_to_use = fields.optional("when_to_use");
  return {
    description: fields.required("description"),
    instructions: fields.required("instructions"),
    ...(when_to_use !== undefined && { when_to_use }),
  };
}

/** Where skills come from, and what could not be used. */
function Sources() {
  const reload = useChange(() => kheish().api.reloadSkills(), { stale: STALE });
  return (
    <section aria-label="Sources" className="grid gap-3">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <h2 className="font-semibold">Where they come from</h2>
        <Button tone="primary" verb="admin" disabled={reload.isPending} onClick={() => reload.mutate()}>
          Look through the folders again
        </Button>
      </div>
      {reload.error && <Refusal error={reload.error} />}
      <Loaded query={useQuery(libraryQuery)} lines={3}>
        {({ roots, warnings, lock }) => (
          <>
            <ul className="grid gap-1">
              {roots.map(({ path, scope, skills }) => (
                <li key={path} className="wrap-anywhere">
                  <code>{path}</code> <span className="text-soft">{`${words(scope)}, ${skills} found`}</span>
                </li>
              ))}
            </ul>
            {lock !== undefined && (
              <p>
                Held to <code>{lock.path}</code>, signed by{" "}
                {lock.signed_by.length === 0 ? "nobody" : lock.signed_by.join(", ")}.
              </p>
            )}
            {warnings.map((warning) => (
              <p
                key={warning}
                role="note"
                className="rounded-md border border-wait p-3 text-wait wrap-anywhere"
              >
                {warning}
              </p>
            ))}
          </>
        )}
      </Loaded>
    </section>
  );
}
