// The peer's application: a process of its own that the Restate server calls over HTTP/2, as its documentation has it.
import { serve, service, workflow } from "@restatedev/restate-sdk";

const RESULT = "x".repeat(300);

const steps = service({
  name: "steps",
  handlers: {
    run: async (context, { steps: count }) => {
      for (let step = 0; step < count; step++) await context.run(`step-${step}`, () => RESULT);
      return count;
    },
  },
});

/** One step, then a wait for somebody's yes: the documented form of a human in the loop. */
const parking = workflow({
  name: "parking",
  handlers: {
    run: async (context) => {
      await context.run("ask", () => RESULT);
      return context.promise("approval");
    },
    approve: async (context) => {
      await context.promise("approval").resolve("allow");
    },
  },
});

serve({ services: [steps, parking], port: Number(process.env.PORT) });
