import { inngest, show } from "./client.js";

const fetchPrice = async (item: string) => ({ item, cents: item.length * 100 });

// Steps one after the other: each result is remembered, so that none runs twice.
export const sequential = inngest.createFunction(
  { id: "sequential", triggers: [{ event: "demo/sequential" }] },
  async ({ event, step }) => {
    const price = await step.run("look-up-price", () => fetchPrice(String(event.data?.item ?? "tea")));
    return step.run("add-tax", () => ({ ...price, cents: Math.round(price.cents * 1.21) }));
  },
);

// Steps side by side, joined by Promise.all.
export const parallel = inngest.createFunction(
  { id: "parallel", triggers: [{ event: "demo/parallel" }] },
  async ({ step }) => {
    const items = ["tea", "coffee", "water"];
    const prices = await Promise.all(items.map((item) => step.run(`price-of-${item}`, () => fetchPrice(item))));
    return prices.reduce((sum, price) => sum + price.cents, 0);
  },
);

// A sleep costs nothing while it lasts: the server calls again when it is over.
export const sleeping = inngest.createFunction(
  { id: "sleeping", triggers: [{ event: "demo/sleeping" }] },
  async ({ step }) => {
    const before = await step.run("before", () => Date.now());
    await step.sleep("nap", "2s");
    return step.run("after", () => ({ sleptMs: Date.now() - before }));
  },
);

// Fails twice, then passes: the server calls again after each failure.
export const flaky = inngest.createFunction(
  { id: "flaky", retries: 3, triggers: [{ event: "demo/flaky" }] },
  async ({ step, attempt }) => {
    return step.run("third-time-lucky", () => {
      if (attempt < 2) throw new Error(`attempt ${attempt + 1} fails`);
      return { attempts: attempt + 1 };
    });
  },
);

// Runs every hour: the server makes the event. What was missed while it was down is made good with --persist.
export const hourly = inngest.createFunction(
  { id: "hourly", triggers: [{ cron: "0 * * * *" }] },
  async ({ event, step }) => step.run("report", () => `the hour before ${new Date(event.ts ?? 0).toISOString()}`),
);

// Waits for the event demo/paid with the same data.id, for ten minutes.
export const waiting = inngest.createFunction(
  { id: "waiting", triggers: [{ event: "demo/waiting" }] },
  async ({ step }) => {
    const paid = await step.waitForEvent("payment", { event: "demo/paid", match: "data.id", timeout: "10m" });
    return paid ? "paid" : "not paid";
  },
);

// The event demo/stop with the same data.id cancels it.
export const cancellable = inngest.createFunction(
  { id: "cancellable", triggers: [{ event: "demo/cancellable" }], cancelOn: [{ event: "demo/stop", match: "data.id" }] },
  async ({ step }) => {
    await step.sleep("an hour", "1h");
    return "nobody stopped it";
  },
);

// Most of it in one: what `make demo` shows.
export const order = inngest.createFunction(
  { id: "order", retries: 3, triggers: [{ event: "demo/order.placed" }] },
  async ({ event, step, attempt, runId }) => {
    const items = (event.data?.items ?? ["tea"]) as string[];

    const stock = await step.run("reserve-stock", () => {
      show(`step reserve-stock    reserved ${items.join(", ")}`);
      return { reserved: items };
    });

    const prices = await Promise.all(
      stock.reserved.map((item) =>
        step.run(`price-of-${item}`, async () => {
          const price = await fetchPrice(item);
          show(`step price-of-${item.padEnd(8)} ${price.cents} cents   (in parallel)`);
          return price;
        }),
      ),
    );

    const payment = await step.run("charge-card", () => {
      if (attempt < 2) {
        show(`step charge-card      attempt ${attempt + 1} fails; the server will try again`);
        throw new Error("the bank is busy");
      }
      show(`step charge-card      attempt ${attempt + 1} passes`);
      return { cents: prices.reduce((sum, price) => sum + price.cents, 0), attempts: attempt + 1 };
    });

    await step.sleep("wait-for-parcel", "2s");

    return step.run("say-thanks", () => {
      show("step say-thanks       done");
      return { runId, paidCents: payment.cents, attempts: payment.attempts };
    });
  },
);

export const functions = [sequential, parallel, sleeping, flaky, hourly, waiting, cancellable, order];
