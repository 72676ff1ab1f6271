import { isTerminal, type RunView } from "@kheish/contract";
import type { Cli } from "../cli.ts";
import type { DaemonClient } from "../client/client.ts";
import type { StreamItem } from "../client/follow.ts";
import { answerHints } from "../commands/settle.ts";
import { endsRun, streamEvent } from "../views/stream-line.ts";
import { advance, reconnection, type WatchView } from "./advance.ts";
import type { Advance } from "./fact-lines.ts";
import { LiveScreen } from "./live-screen.ts";
import { liveLines } from "./live-lines.ts";
import { headerLine, waitingLines } from "./run-lines.ts";
import { type WatchState, watchStateOf } from "./state.ts";
import { withTicks } from "./with-ticks.ts";

const REPAINT_MS = 1_000;
const FALLBACK_ROWS = 24;
const MOST_LIVE_ROWS = 12;
