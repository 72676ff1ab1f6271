import type { Page, Request } from "playwright-core";
import { launchBrowser } from "../../packages/sdk/test/support/browser.ts";
import { atLeast, atMost, type BenchOptions, type Line } from "../support/bench.ts";
import { atExit } from "../support/cleanup.ts";
import { Daemon, UNATTENDED } from "../support/daemon.ts";
import { getJson, postJson } from "../support/http.ts";
import { median, medianOf, percentile, round } from "../support/measure.ts";
import { ROUNDS } from "../support/rounds.ts";

const EVENTS = 5_000;
/** A step of the simulator's load is a message, a call that leaves and its outcome. */
const STEPS = Math.ceil(EVENTS / 3);
/** A turn and its call are a row each; the last turn has no call. */
const ROWS = 2 * STEPS + 1;
const VIEW = { width: 1280, height: 800 };
const FRAME_MS = 1_000 / 60;
/** As far as a fast wheel goes in one frame. */
const PIXELS_PER_FRAME = 60;

/**
 * The console in a real Chromium on loopback: what the first load transfers, when its page can be used, and how evenly a
 * run of 5,000 events scrolls.
 */
export async function* run({ quick }: BenchOptions): AsyncGenerator<Line> {
  const daemon = await Daemon.start({ flags: UNATTENDED, env: { KHEISH_AGENT_MAX_TURNS: "0" } });
  try {
    const runId = await longRun(daemon.baseUrl);
    const rounds = quick ? 1 : ROUNDS;
    yield await firstLoad(daemon.baseUrl, rounds);
    yield await scrolling(`${daemon.baseUrl}/runs/${runId}`, rounds, quick ? 2_000 : 5_000);
  } finally {
    await daemon.remove();
  }
}

async function longRun(baseUrl: string): Promise<string> {
  await postJson(`${baseUrl}/v1/sessions`, { session_id: "long" });
  const content = JSON.stringify({ simulate: "load", steps: STEPS, tool: "noop", bytes: 100 });
  await postJson(`${baseUrl}/v1/sessions/long/input`, { content });
  const [long] = await getJson<{ run_id: string; status: string }[]>(`${baseUrl}/v1/runs?session_id=long`);
  if (long?.status !== "completed") throw new Error(`the long run is ${long?.status}`);
  return long.run_id;
}

interface Load {
  transferredKb: number;
  interactiveMs: number;
}

/** With nothing cached, each time: bytes as they came over the wire, and the page's heading and links there to be used. */
async function firstLoad(baseUrl: string, rounds: number): Promise<Line> {
  const played: Load[] = [];
  // The first is not counted: the daemon reads and compresses its files when they are first asked for.
  for (let at = 0; at <= rounds; at++) played.push(await inBrowser((page) => loaded(page, baseUrl)));
  const counted = played.slice(1);
  const kb = medianOf(counted, ({ transferredKb }) => transferredKb);
  const ms = medianOf(counted, ({ interactiveMs }) => interactiveMs);
  return {
    side: "kheish, first load",
    transferred_kb: kb,
    interactive_ms: ms,
    rounds,
    aims: [atMost("compressed KB", 250, kb), atMost("interactive ms", 1_000, ms)],
  };
}

async function loaded(page: Page, baseUrl: string): Promise<Load> {
  const files: Request[] = [];
  page.on("requestfinished", (request) => {
    if (!request.url().includes("/v1/")) files.push(request);
  });
  await page.addInitScript(`{
    const look = () => {
      const isThere = document.querySelector("h1") && document.querySelector("nav a");
      if (isThere) globalThis.interactiveAt = performance.now();
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  }`);
  await page.goto(baseUrl);
  await page.waitForFunction(() => Reflect.get(globalThis, "interactiveAt") !== undefined);
  const interactiveMs = await page.evaluate<number>("interactiveAt");
  const sizes = await Promise.all(files.map((request) => request.sizes()));
  const bytes = sizes.reduce((sum, { responseBodySize }) => sum + responseBodySize, 0);
  return { interactiveMs, transferredKb: bytes / 1_000 };
}

/** From the top on, as fast as a wheel turns; a frame is dropped when the next one comes later than one and a half. */
async function scrolling(url: string, rounds: number, forMs: number): Promise<Line> {
  const played = await inBrowser(async (page) => {
    await page.goto(url);
    await page.getByText(`${ROWS.toLocaleString()} steps in`).waitFor();
    const all: number[][] = [];
    for (let at = 0; at < rounds; at++) all.push(await frames(page, forMs));
    return all;
  });
  const frameMs = medianOf(played, median);
  const mean = medianOf(played, (one) => one.reduce((sum, ms) => sum + ms, 0) / one.length);
  const perSecond = round(1_000 / mean);
  return {
    side: "kheish, a run of 5,000 events",
    rows: ROWS,
    frame_p50_ms: frameMs,
    frame_p95_ms: medianOf(played, (one) => percentile(one, 0.95)),
    dropped_share: medianOf(played, (one) => one.filter((ms) => ms > FRAME_MS * 1.5).length / one.length),
    frames_per_second: perSecond,
    rounds,
    aims: [atMost("frame p50 ms", 17, frameMs), atLeast("frames a second", 58, perSecond)],
  };
}

/** The times between frames while the page scrolls down and, at the end, up again. */
function frames(page: Page, forMs: number): Promise<number[]> {
  return page.evaluate(`new Promise((resolve) => {
    const times = [];
    const begun = performance.now();
    let before = begun;
    let step = ${PIXELS_PER_FRAME};
    const frame = (now) => {
      times.push(now - before);
      before = now;
      const bottom = document.documentElement.scrollHeight - innerHeight;
      if (scrollY + step > bottom || scrollY + step < 0) step = -step;
      scrollBy(0, step);
      if (now - begun < ${forMs}) requestAnimationFrame(frame);
      else resolve(times.slice(1));
    };
    requestAnimationFrame(frame);
  })`);
}

/** A browser that has seen nothing before, with one page. */
async function inBrowser<T>(work: (page: Page) => Promise<T>): Promise<T> {
  const browser = await launchBrowser();
  const forget = atExit(() => void browser.close());
  try {
    return await work(await browser.newPage({ viewport: VIEW }));
  } finally {
    forget();
    await browser.close();
  }
}
