// Open pages of save_page from file:// in a browser, as benchmarks/page.py wishes; print what was measured, as JSON:
//   node page.mjs chrome|firefox PROGRAM JOBS.json
// A job: {path, inputs, plain (without WebAssembly)}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const puppeteer = createRequire(new URL("../presentation/package.json", import.meta.url))("puppeteer-core");
const [kind, executablePath, jobs] = process.argv.slice(2);
const browser = await puppeteer.launch({ browser: kind, executablePath, args: kind === "chrome" ? ["--no-sandbox"] : [] });
const told = [];
for (const { path, inputs, plain } of JSON.parse(readFileSync(jobs, "utf8"))) {
  const page = await browser.newPage(), errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  if (plain) await page.evaluateOnNewDocument(() => delete globalThis.WebAssembly);
  const firsts = [];
  for (let i = 0; i < 5; i++) {
    await page.goto(pathToFileURL(path).href, { waitUntil: "load" });
    firsts.push(await page.evaluate(() => performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd));
  }
  const measured = await page.evaluate(`(async (inputs) => {
    const out = inputs.map((x) => Array.from(draw(net, x)));
    const until = performance.now() + 1000; // warm
    while (performance.now() < until) paint(draw(net, inputs[0]), net.to);
    const times = [];
    for (let i = 0; i < 12; i++) { // blocks, because some clocks only know whole milliseconds
      const start = performance.now();
      let count = 0;
      do paint(draw(net, inputs[0]), net.to), count++; while (performance.now() < start + 80);
      times.push((performance.now() - start) / count);
    }
    let frames = 0, walks = true;
    document.getElementById("walk").click();
    const begin = performance.now(), count = () => { frames++; if (walks) requestAnimationFrame(count); };
    requestAnimationFrame(count);
    await new Promise((go) => setTimeout(go, 3000));
    walks = false, document.getElementById("walk").click();
    return { out, times, frames: frames / ((performance.now() - begin) / 1000), engine: net.engine };
  })(${JSON.stringify(inputs)})`);
  told.push({ ...measured, firsts, errors });
  await page.close();
}
const version = await browser.version();
await browser.close();
console.log(JSON.stringify({ version, told }));
