// Open the pages of the website from file://, with the network off, on a desk and on a phone, light and dark, all folds
// open; print what is wrong with them, as JSON:  node site.mjs BROWSER FOLDER [FOLDER for pictures]
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const { chromium } = createRequire(new URL("../../../presentation/package.json", import.meta.url))("playwright-core");
const [executablePath, folder, pictures] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath, chromiumSandbox: process.getuid?.() !== 0 });
const problems = []; // [page, screen, kind, what]
const names = readdirSync(folder).filter((name) => name.endsWith(".html"));
for (const [screen, width, height, colorScheme] of [["desk", 1280, 900, "light"], ["phone", 360, 740, "dark"]]) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, offline: true });
  for (const name of names) {
    const page = await context.newPage();
    const note = (kind, what) => problems.push([name, screen, kind, what]);
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && note("console", message.text()));
    page.on("request", (request) => /^(file|data):/.test(request.url()) || note("request", request.url()));
    await page.goto(pathToFileURL(`${folder}/${name}`).href, { waitUntil: "load" });
    if (pictures) await page.screenshot({ path: `${pictures}/${name}-${screen}.png` });
    for (const [kind, what] of await page.evaluate(look)) note(kind, what);
    await page.close();
  }
  await context.close();
}
await browser.close();
console.log(JSON.stringify({ names, problems }));

// Runs in the page: [kind, what] for each problem
function look() {
  for (const fold of document.querySelectorAll("details")) fold.open = true;
  const found = [];
  if (document.documentElement.scrollWidth > innerWidth) found.push(["wide", String(document.documentElement.scrollWidth)]);
  for (const image of document.images) if (!image.naturalWidth) found.push(["picture", image.alt]);
  for (const formula of document.querySelectorAll("math")) {
    if (!formula.getBoundingClientRect().width) found.push(["formula", formula.textContent]);
  }
  const light = (colour) => {
    const parts = colour.map((part) => (part / 255 <= 0.03928 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const numbers = (colour) => colour.match(/[\d.]+/g).map(Number);
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (words.nextNode()) {
    let place = words.currentNode.parentElement;
    if (!words.currentNode.data.trim() || place.closest("math")) continue;
    const ink = numbers(getComputedStyle(place).color);
    while (place.parentElement && numbers(getComputedStyle(place).backgroundColor)[3] === 0) place = place.parentElement;
    const [low, high] = [light(ink), light(numbers(getComputedStyle(place).backgroundColor))].sort((a, b) => a - b);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < 4.5) found.push(["contrast", `${contrast.toFixed(2)}: ${words.currentNode.data.trim().slice(0, 40)}`]);
  }
  return found;
}
