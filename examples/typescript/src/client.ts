import { Inngest } from "inngest";

// The demo fails on purpose: the SDK's stack traces would hide what there is to see.
const logger = { debug() {}, info() {}, warn: console.warn, error() {} };

export const inngest = new Inngest({ id: "demo-shop", logger });

// A line on the terminal for each thing that happens, so that you can watch a run.
export function show(text: string): void {
  console.log(`  ${text}`);
}
