// Open pages of save_page from file://, with the network off, and do with each what its test wishes; print what was seen:
//   node page.mjs BROWSER JOBS.json
// A job: {path, hash, context (Playwright's options), plain (without WebAssembly), arguments, steps (JavaScript that is
// given page, context and input, and returns what is to be told)}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const { chromium } = createRequire(new URL("../../../presentation/package.json", import.meta.url))("playwright-core");
const [executablePath, jobs] = process.argv.slice(2);
const AsyncFunction = (async () => {}).constructor;

const told = [], browsers = {};
for (const job of JSON.parse(readFileSync(jobs, "utf8"))) {
  const args = ["--no-sandbox", ...(job.arguments ?? [])];
  const browser = await (browsers[args] ??= chromium.launch({ executablePath, args }));
  const context = await browser.newContext({ offline: true, acceptDownloads: true, ...job.context });
  const page = await context.newPage(), seen = { requests: [], errors: [] };
  page.setDefaultTimeout(60_000);
  page.on("request", (request) => /^(file|data|blob):/.test(request.url()) || seen.requests.push(request.url()));
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && seen.errors.push(message.text()));
  if (job.plain) await page.addInitScript(() => delete globalThis.WebAssembly);
  await page.goto(pathToFileURL(job.path).href + (job.hash ?? ""), { waitUntil: "load" });
  seen.value = await new AsyncFunction("page", "context", "input", job.steps)(page, context, job.input);
  told.push(seen);
  await context.close();
}
for (const browser of Object.values(browsers)) await (await browser).close();
console.log(JSON.stringify(told));
