import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

type Fault = (operation: string) => Promise<unknown> | undefined;
type Functions = Record<string, (...args: unknown[]) => Promise<unknown>>;

const FUNCTIONS = ["link", "rename", "unlink"];
const METHODS = ["writeFile", "sync"];

/** What a frozen program has open: collected with it, it would be reported as leaked. */
const held: unknown[] = [];

/**
 * Puts `fault` before every change that a program makes to the disk from now on: what it answers happens in the place
 * of the change. Answers how to take it away again.
 */
export async function faultyDisk(fault: Fault): Promise<() => void> {
  const handle = await fs.promises.open("/", "r");
  const handles = Object.getPrototypeOf(handle) as Functions;
  await handle.close();
  const functions = fs.promises as unknown as Functions;
  const undo = [
    ...FUNCTIONS.map((name) => intercept(functions, name, fault)),
    ...METHODS.map((name) => intercept(handles, name, fault)),
    keepOpened(functions),
  ];
  syncBuiltinESMExports();
  return () => {
    for (const restore of undo) restore();
    syncBuiltinESMExports();
  };
}

function intercept(target: Functions, name: string, fault: Fault): () => void {
  const real = target[name];
  if (real === undefined) throw new Error(`no function '${name}'`);
  target[name] = function (this: unknown, ...args) {
    return fault(name) ?? real.apply(this, args);
  };
  return () => {
    target[name] = real;
  };
}

function keepOpened(functions: Functions): () => void {
  const real = functions.open as (...args: unknown[]) => Promise<unknown>;
  functions.open = async (...args) => {
    const handle = await real(...args);
    held.push(handle);
    return handle;
  };
  return () => {
    functions.open = real;
  };
}

/**
 * Runs `work` as a process that dies before its n-th change of the disk: that one and all that follow never happen and
 * never answer. Change number `failAt` fails before. Answers whether it died.
 */
export async function dyingAt(n: number, failAt: number, work: () => Promise<unknown>): Promise<boolean> {
  let change = 0;
  const died = Promise.withResolvers<true>();
  const restore = await faultyDisk((operation) => {
    const now = change++;
    if (now < n) return now === failAt ? diskFull(operation) : undefined;
    died.resolve(true);
    return new Promise(() => {});
  });
  try {
    return await Promise.race([died.promise, work().then(() => false)]);
  } finally {
    restore();
  }
}

/** What the system says when a disk is full. */
export function diskFull(operation: string): Promise<never> {
  const error = new Error(`ENOSPC: no space left on device, ${operation}`);
  return Promise.reject(Object.assign(error, { code: "ENOSPC", syscall: operation, errno: -28 }));
}
