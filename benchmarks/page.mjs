// Open pages of save_page from file:// in a browser, as benchmarks/page.py wishes; print what was measured, as JSON:
//   node page.mjs chrome|firefox PROGRAM JOBS.json
// A job: {path, inputs, plain (without WebAssembly)}.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const puppeteer = createRequire(new URL("../presentation/package.json", import.meta.url))("puppeteer-core");
const [kind, executablePath, jobs] = process.argv.slice(2);
const browser = await puppeteer.launch({ browser: kind, executablePath, args: kind === "chrome" ? ["--no-sandbox"] : [] });

// Processor time in ms of the browser and all that it has started: on a busy machine the clock on the wall says little
function processor(root) {
  const lines = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((pid) => {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
      return [{ pid: +pid, parent: +fields[1], ticks: +fields[11] + +fields[12] }]; // a tick is 10 ms
    } catch {
      return []; // it has just ended
    }
  });
  const family = new Set([root]);
  for (let size = 0; size < family.size; ) {
    size = family.size;
    for (const { pid, parent } of lines) if (family.has(parent)) family.add(pid);
  }
  return 10 * lines.filter(({ pid }) => family.has(pid)).reduce((sum, { ticks }) => sum + ticks, 0);
}
const spent = async (work) => {
  const before = processor(browser.process().pid), found = await work();
  return [processor(browser.process().pid) - before, found];
};

const told = [];
for (const { path, inputs, plain } of JSON.parse(readFileSync(jobs, "utf8"))) {
  const page = await browser.newPage(), seen = { errors: [], wall: [], first: [], picture: [] };
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  if (plain) await page.evaluateOnNewDocument(() => delete globalThis.WebAssembly);
  for (let i = 0; i < 7; i++) {
    const [time] = await spent(() => page.goto(pathToFileURL(path).href, { waitUntil: "load" }));
    seen.first.push(time);
    seen.wall.push(await page.evaluate(() => performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd));
  }
  await new Promise((go) => setTimeout(go, 1500)); // the map is drawn
  seen.out = await page.evaluate(`${JSON.stringify(inputs)}.map((x) => Array.from(draw(net, x)))`);
  seen.engine = await page.evaluate("net.engine");
  const often = (count) => page.evaluate(`{
    const x = Float32Array.from({ length: ${inputs[0].length} }, Math.random);
    for (let i = 0; i < ${count}; i++) paint(draw(net, x), net.to);
  }`);
  let count = 5;
  while ((await spent(() => often(count)))[0] < 400) count *= 2; // also warms it up
  for (let i = 0; i < 7; i++) seen.picture.push((await spent(() => often(count)))[0] / count);
  const [time, frames] = await spent(() => page.evaluate(`(async () => {
    let frames = 0, walks = true;
    const count = () => { frames++; if (walks) requestAnimationFrame(count); };
    document.getElementById("walk").click(), requestAnimationFrame(count);
    const begin = performance.now();
    await new Promise((go) => setTimeout(go, 4000));
    walks = false, document.getElementById("walk").click();
    return [frames, (performance.now() - begin) / 1000];
  })()`));
  told.push({ ...seen, walk: time / frames[0], frames: frames[0] / frames[1] });
  await page.close();
}
const version = await browser.version();
await browser.close();
console.log(JSON.stringify({ version, told }));
