import express from "express";
import { serve } from "inngest/express";

import { inngest } from "./client.js";
import { functions } from "./functions.js";

const port = Number(process.env.PORT ?? 3000);
const app = express();
app.use(express.json({ limit: "5mb" })); // requests carry the results of all earlier steps
app.use("/api/inngest", serve({ client: inngest, functions }));
app.listen(port, () => console.log(`  app on http://localhost:${port}/api/inngest`));
