import type { Json, JsonObject, UserQuestion, UserQuestionResolution } from "@kheish/contract";
import { CANCEL, DECLINE, fieldsOf, questionFor, readAnswer } from "./form.ts";
import { isObject } from "./input-schema.ts";
import { cutText } from "./json-limits.ts";

/** What a server wants to know in the middle of a call: a form, or that somebody visits a page. */
export interface Elicitation {
  message: string;
  /** Of a form. */
  schema?: JsonObject;
  url?: string;
}

export type ElicitationReply = { action: "accept" | "decline" | "cancel"; content?: JsonObject };

/** Where a person stands in answering a server's requests; kept with the question, so that it outlives the daemon. */
export interface Dialogue {
  requests: Record<string, Elicitation>;
  replies: Record<string, ElicitationReply>;
  /** The fields of the first open request that have an answer; null: left out. */
  filled: JsonObject;
  left_out: string[];
  /** Why fields are asked for again. */
  problems: Record<string, string>;
}

const MAX_QUESTIONS = 4;
const MAX_MESSAGE_CHARS = 2_000;
/** A form that somebody fills in is small; what is asked is kept with the run for as long as that. */
const MAX_ASKED_CHARS = 65_536;
const MAX_FIELDS = 64;
const VISITED = "visited";

export function dialogueFor(requests: Record<string, Elicitation>): Dialogue {
  return { requests, replies: {}, filled: {}, left_out: [], problems: {} };
}

/** Reads an elicitation as a server sent it; undefined for what is none, or more than a person can be asked. */
export function readElicitation(params: unknown): Elicitation | undefined {
  if (!isObject(params) || typeof params.message !== "string") return undefined;
  const message = cutText(params.message, MAX_MESSAGE_CHARS);
  if (params.mode === "url") return isPage(params.url) ? { message, url: params.url } : undefined;
  const schema = params.requestedSchema;
  if (!isObject(schema) || JSON.stringify(schema).length > MAX_ASKED_CHARS) return undefined;
  return fieldsOf(schema).length <= MAX_FIELDS ? { message, schema } : undefined;
}

/** An address that a person can be asked to open; `javascript:` and `file:` are none. */
function isPage(url: unknown): url is string {
  if (typeof url !== "string" || url.length > MAX_ASKED_CHARS) return false;
  return /^https?:$/.test(URL.parse(url)?.protocol ?? "");
}

/** The next questions, at most four; undefined once every request has its reply. */
export function nextQuestions(server: string, dialogue: Dialogue): UserQuestion[] | undefined {
  const [key, request] = openRequest(dialogue) ?? [];
  if (key === undefined || request === undefined) return undefined;
  const intro = `MCP server '${server}' asks: ${cutText(request.message.trim(), MAX_MESSAGE_CHARS)}`;
  const open = openFields(dialogue, request).slice(0, MAX_QUESTIONS);
  if (open.length === 0) return [confirmation(intro, request)];
  return open.map((field, at) => {
    const question = questionFor(field, dialogue.problems[field.name]);
    return at === 0 ? { ...question, question: `${intro}\n${question.question}` } : question;
  });
}

/** A form without fields, or a page to visit. */
function confirmation(intro: string, { url }: Elicitation): UserQuestion {
  return {
    id: VISITED,
    header: url === undefined ? "Confirm" : "Visit a page",
    question: url === undefined ? intro : `${intro}\nOpen this page, if you trust it: ${url}`,
    options: [
      { id: VISITED, label: url === undefined ? "Accept" : "Done" },
      { id: DECLINE, label: "Decline", description: "Do not give the server what it asks for" },
      { id: CANCEL, label: "Cancel", description: "Decide nothing now" },
    ],
    multi_select: false,
  };
}

/** The dialogue after an answer to `nextQuestions`. */
export function answered(dialogue: Dialogue, { declined, answers }: UserQuestionResolution): Dialogue {
  const [key, request] = openRequest(dialogue) ?? [];
  if (key === undefined || request === undefined) return dialogue;
  if (declined) return replied(dialogue, key, { action: "decline" });
  const given = new Map(answers.map((answer) => [answer.question_id, answer]));
  const confirmed = given.get(VISITED);
  const open = openFields(dialogue, request);
  if (open.length === 0 && confirmed !== undefined)
    return replied(dialogue, key, confirmedAs(confirmed, request));
  const next: Dialogue = {
    ...dialogue,
    filled: { ...dialogue.filled },
    left_out: [...dialogue.left_out],
    problems: {},
  };
  for (const field of open) {
    const answer = given.get(field.name);
    if (answer === undefined) continue;
    const read = readAnswer(field, answer);
    if (read.kind === "refused") return replied(dialogue, key, { action: read.action });
    if (read.kind === "value") next.filled[field.name] = read.value;
    else if (read.kind === "skipped") next.left_out.push(field.name);
    else if (read.kind === "invalid") next.problems[field.name] = read.problem;
  }
  if (openFields(next, request).length > 0) return next;
  return replied(next, key, { action: "accept", content: next.filled });
}

function confirmedAs(answer: { selected_option_ids: string[] }, { url }: Elicitation): ElicitationReply {
  const [chosen] = answer.selected_option_ids;
  if (chosen === VISITED) return url === undefined ? { action: "accept", content: {} } : { action: "accept" };
  return { action: chosen === CANCEL ? "cancel" : "decline" };
}

function replied(dialogue: Dialogue, key: string, reply: ElicitationReply): Dialogue {
  return {
    requests: dialogue.requests,
    replies: { ...dialogue.replies, [key]: reply },
    filled: {},
    left_out: [],
    problems: {},
  };
}

function openRequest({ requests, replies }: Dialogue): [string, Elicitation] | undefined {
  return Object.entries(requests).find(([key]) => !Object.hasOwn(replies, key));
}

function openFields({ filled, left_out }: Dialogue, { schema }: Elicitation) {
  return fieldsOf(schema).filter(({ name }) => !Object.hasOwn(filled, name) && !left_out.includes(name));
}

/** What was kept with a question, read back. */
export function dialogueIn(state: Json): Dialogue | undefined {
  return isObject(state) && isObject(state.dialogue) ? (state.dialogue as unknown as Dialogue) : undefined;
}
