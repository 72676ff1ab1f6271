import { readFileSync } from "node:fs";

// Loaded before the daemon with `--import`: what it takes for the time is the machine's, moved by what a file says.
const LOOK_EVERY_MS = 20;
const file = process.env.KHEISH_CHAOS_CLOCK ?? "";
const machineNow = Date.now.bind(Date);
let offsetMs = 0;

function look(): void {
  offsetMs = Number(readFileSync(file, "utf8"));
}

look();
setInterval(look, LOOK_EVERY_MS).unref();
Date.now = () => machineNow() + offsetMs;
