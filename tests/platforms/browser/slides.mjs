// Open every slide of a deck in a real browser and report what is wrong with it, as JSON:
//   node tests/platforms/browser/slides.mjs BROWSER DECK.html [FOLDER for a picture of each slide]
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [browserPath, deck, folder] = process.argv.slice(2);
const require = createRequire(new URL("../../../presentation/package.json", import.meta.url));
const { chromium } = require("playwright-core");

const problems = []; // [slide, kind, what]
let slide = 0;
const root = process.getuid?.() === 0;
const browser = await chromium.launch({ executablePath: browserPath, chromiumSandbox: !root });
const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
page.on("console", (message) => {
  if (["error", "warning"].includes(message.type())) problems.push([slide, "console", message.text()]);
});
page.on("pageerror", (error) => problems.push([slide, "console", String(error)]));
await page.route("**/*", (route) => {
  const url = route.request().url();
  if (/^(file|data|blob):/.test(url)) return route.continue();
  problems.push([slide, "request", url]);
  return route.abort();
});
await page.goto(pathToFileURL(deck).href, { waitUntil: "load" });
const count = await page.locator("svg[data-marpit-svg] section[id]").count();

for (slide = 1; slide <= count; slide++) {
  await page.evaluate((n) => (location.hash = `#${n}`), slide);
  await page.waitForFunction(
    (n) => document.querySelector(".bespoke-marp-active section[id]")?.id === String(n), slide, { polling: 20 });
  for (const [kind, what] of await page.evaluate(look)) problems.push([slide, kind, what]);
  if (folder) await page.screenshot({ path: `${folder}/${String(slide).padStart(2, "0")}.png` });
}
const images = await page.locator("svg[data-marpit-svg] img").count();
await browser.close();
console.log(JSON.stringify({ count, images, problems }));

// Runs in the page: [kind, what] for each problem of the slide that is shown
async function look() {
  const section = document.querySelector(".bespoke-marp-active section[id]");
  const found = [];
  const all = [...section.querySelectorAll("*")].filter((e) => !e.closest("svg:not([data-marpit-svg])") || e.tagName === "svg");
  const name = (e) => `${e.tagName.toLowerCase()} ${(e.textContent || e.alt || "").trim().slice(0, 40)}`;

  const style = getComputedStyle(section);
  const sheet = section.getBoundingClientRect();
  const inside = {
    left: sheet.left + parseFloat(style.paddingLeft) - 1,
    right: sheet.right - parseFloat(style.paddingRight) + 1,
    top: sheet.top + parseFloat(style.paddingTop) - 1,
    bottom: sheet.bottom - parseFloat(style.paddingBottom) + 1,
  };
  for (const element of all) {
    const box = element.getBoundingClientRect();
    if (!box.width || element.closest("mjx-assistive-mml")) continue;
    if (box.left < inside.left || box.right > inside.right || box.top < inside.top || box.bottom > inside.bottom)
      found.push(["overflow", `${name(element)} reaches ${[box.left, box.top, box.right, box.bottom].map(Math.round)}`]);
    if (element.scrollWidth > element.clientWidth + 1 && ["PRE", "TABLE"].includes(element.tagName))
      found.push(["overflow", `${name(element)} is wider than its box`]);
  }
  // Two blocks that lie over each other
  const blocks = all.filter((e) => /^(H1|H2|P|UL|OL|PRE|TABLE|BLOCKQUOTE|IMG)$/.test(e.tagName) && !(e.tagName === "P" && e.querySelector("img")));
  for (const a of blocks)
    for (const b of blocks) {
      if (a === b || a.contains(b) || b.contains(a) || !(a.compareDocumentPosition(b) & 4)) continue;
      const [p, q] = [a.getBoundingClientRect(), b.getBoundingClientRect()];
      if (p.bottom > q.top + 1 && q.bottom > p.top + 1 && p.right > q.left + 1 && q.right > p.left + 1)
        found.push(["overlap", `${name(a)} | ${name(b)}`]);
    }

  for (const image of section.querySelectorAll("img")) {
    await image.decode().catch(() => {});
    if (!image.naturalWidth) found.push(["picture", image.alt || image.src.slice(0, 80)]);
    if (image.alt.trim().split(/\s+/).length < 5) found.push(["alt", image.alt || image.src.slice(0, 80)]);
    // The picture may be smaller than its box: object-fit keeps its shape
    const box = image.getBoundingClientRect();
    const fits = getComputedStyle(image).objectFit === "contain";
    if (!fits && Math.abs(box.width / box.height / (image.naturalWidth / image.naturalHeight) - 1) > 0.02)
      found.push(["picture", `${image.alt.slice(0, 60)} is distorted`]);
    const zoom = Math.min(box.width / image.naturalWidth, box.height / image.naturalHeight);
    const seen = [zoom * image.naturalWidth / sheet.width, zoom * image.naturalHeight / sheet.height];
    if (seen[0] < 0.8 && seen[1] < 0.6)
      found.push(["tiny", `${image.alt.slice(0, 60)}: ${seen.map((part) => part.toFixed(2))} of the slide`]);
  }

  // Nothing in the lower half: the slide is empty for want of design
  const lowest = Math.max(0, ...blocks.map((e) => e.getBoundingClientRect().bottom));
  if ((lowest - sheet.top) / sheet.height < 0.6) found.push(["empty", `ends at ${Math.round(lowest)}`]);

  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const light = (rgb) => {
    const [r, g, b] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const [r, g, b, alpha = 1] = channels(getComputedStyle(e).backgroundColor);
      if (alpha === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const walker = document.createTreeWalker(section, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || element.closest("mjx-assistive-mml, style")) continue;
    const { color, fontSize, opacity } = getComputedStyle(element);
    const [a, b] = [light(channels(color).slice(0, 3)), light(behind(element))].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    if (contrast < 4.5 || Number(opacity) < 1) found.push(["contrast", `${name(element)}: ${contrast.toFixed(2)}`]);
    if (parseFloat(fontSize) < 22) found.push(["small", `${name(element)}: ${fontSize}`]);
  }
  return found;
}
