// Open one notebook in JupyterLab as a person would, run all cells, move every control; print what was seen, as JSON.
// node lab.mjs '{"url": ..., "token": ..., "notebook": ..., "folder": ..., "browser": ..., "quiet": [...]}'; test_jupyterlab.py judges the answer.
import { createRequire } from "node:module";

// The one Node package of the project stands beside the slides.
const { chromium } = createRequire(new URL("../../../presentation/package.json", import.meta.url))("playwright-core");

const { url, token, notebook, folder, browser: executablePath, quiet, minutes = 15 } = JSON.parse(process.argv[2]);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
const seen = { pageErrors: [], cells: [], broken: [], frames: {}, controls: [], emptyPictures: [], brokenFormulas: [] };
page.setDefaultTimeout(300_000); // patience: the machine may be busy
page.on("pageerror", (error) => seen.pageErrors.push(String(error)));

// `textContent` all over: `innerText` is empty for what lies outside the window.
// In the page: note each new picture of a live view, and tell what the output of a cell shows.
await page.addInitScript(() => {
  const digest = async (src) => {
    const bytes = await (await fetch(src)).arrayBuffer();
    return [...new Uint8Array(await crypto.subtle.digest("SHA-1", bytes))].map((b) => b.toString(16)).join("");
  };
  window.frames_seen = {};
  window.code_cells = () => window.jupyterapp.shell.currentWidget.content.widgets.filter((w) => w.model.type === "code");
  const note = async (image) => {
    const { src } = image;
    const id = window.code_cells().find((cell) => cell.node.contains(image))?.model.id;
    if (id) (window.frames_seen[id] ??= []).push(await digest(src).catch(() => src)); // it may be gone before it is read
  };
  new MutationObserver((changes) => {
    for (const { target, type, addedNodes } of changes) {
      if (type === "attributes" && target.matches("img.widget-image")) note(target);
      for (const node of addedNodes) node.querySelectorAll?.("img.widget-image[src]").forEach(note);
    }
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["src"] });
  window.shown = async (output) => {
    const pictures = await Promise.all([...output.querySelectorAll("img")].map((image) => digest(image.src)));
    const texts = [...output.querySelectorAll(".jp-RenderedText, .jp-RenderedHTMLCommon, .widget-html")];
    return [...pictures, ...texts.map((text) => text.textContent)].join("\n");
  };
});

let shots = 0;
const shoot = (name) => page.screenshot({ path: `${folder}/${String(++shots).padStart(2, "0")}-${name}.png` });

async function runAll() {
  await page.goto(`${url}/lab/tree/${notebook}?reset&token=${token}`);
  await page.waitForSelector(".jp-Notebook .jp-CodeCell");
  await page.evaluate(async () => {
    const { sessionContext } = window.jupyterapp.shell.currentWidget;
    await sessionContext.ready;
    await sessionContext.session.kernel.info;
  });
  await page.click('.lm-MenuBar-itemLabel:text-is("Run")');
  await page.click('.lm-Menu-itemLabel:text-is("Run All Cells")');
  await page.waitForFunction(() => window.code_cells()[0].model.executionState !== "idle" || window.code_cells()[0].model.executionCount);
  const end = Date.now() + minutes * 60_000;
  const photographed = {};
  for (;;) {
    const running = await page.evaluate(() => window.code_cells().some((cell) => cell.model.executionState !== "idle"));
    if (!running) return;
    if (Date.now() > end) throw new Error(`${notebook} still runs after ${minutes} minutes`);
    const live = await page.evaluate(() => {
      const drawn = (cell) => cell.node.querySelector("img.widget-image[src^=blob]")?.naturalWidth;
      return window.code_cells().find((cell) => cell.model.executionState !== "idle" && drawn(cell))?.model.id;
    });
    if (live && Date.now() > (photographed[live] ?? 0) + 20_000) { // photograph the live view, now and then
      photographed[live] = Date.now();
      const view = (id) => window.code_cells().find((cell) => cell.model.id === id).node.querySelector("img.widget-image");
      await page.evaluate(`(${view})("${live}")?.scrollIntoView({ block: "center" })`);
      await page.waitForTimeout(300);
      await shoot(`live-${live}`);
    }
    await page.waitForTimeout(100);
  }
}

// Move one control by the keyboard or the mouse, and tell whether its cell shows something else afterwards.
async function move(cell, control, kind, patience) {
  const output = cell.locator(".jp-OutputArea").first();
  const before = await output.evaluate((node) => window.shown(node));
  await control.scrollIntoViewIfNeeded();
  if (kind === "slider") {
    const atEnd = await control.evaluate((node) => node.getAttribute("aria-valuenow") >= +node.getAttribute("aria-valuemax"));
    await control.focus();
    for (let i = 0; i < 3; i++) await page.keyboard.press(atEnd ? "ArrowLeft" : "ArrowRight");
  } else if (kind === "select") {
    const { now, count } = await control.evaluate((node) => ({ now: node.selectedIndex, count: node.options.length }));
    await control.selectOption({ index: (now + 1) % count });
  } else await control.click();
  for (let tries = 0; tries < patience; tries++) {
    await page.waitForTimeout(100);
    if ((await output.evaluate((node) => window.shown(node))) !== before) return true;
  }
  return false;
}

const KINDS = {
  slider: ".widget-slider .noUi-handle:not([disabled])",
  select: ".widget-dropdown select:not([disabled])",
  checkbox: ".widget-checkbox input:not([disabled])",
  button: "button.widget-button:not([disabled])",
};

async function moveAll() {
  const cells = page.locator(".jp-Notebook .jp-CodeCell");
  for (let c = 0; c < (await cells.count()); c++) {
    const cell = cells.nth(c);
    const id = await page.evaluate((number) => window.code_cells()[number].model.id, c);
    for (const [kind, selector] of Object.entries(KINDS)) {
      const controls = cell.locator(selector);
      const count = await controls.count();
      for (let i = 0; i < count; i++) {
        if (count > 20 && i % 10 && i < count - 1) continue; // of a sheet of 100 buttons every tenth, and the last
        const control = controls.nth(i);
        const label = await control.evaluate((node) => {
          const box = node.closest(".widget-slider, .widget-dropdown, .widget-checkbox, button");
          return [...box.querySelectorAll("label")].map((part) => part.textContent).join("") || box.textContent;
        });
        seen.controls.push({ cell: id, kind, label: label.trim(), changed: await move(cell, control, kind, quiet.includes(label.trim()) ? 5 : 100) });
      }
      if (count) await shoot(`moved-${id}`);
    }
  }
}

async function lookAtCells() {
  seen.frames = await page.evaluate(() => window.frames_seen);
  seen.cells = await page.evaluate(() =>
    window.code_cells().map(({ model }) => ({
      id: model.id,
      count: model.executionCount,
      errors: model.outputs.toJSON().filter((o) => o.output_type === "error").map((o) => `${o.ename}: ${o.evalue}`),
      pictures: model.outputs.toJSON().filter((o) => Object.keys(o.data ?? {}).some((key) => key.startsWith("image/"))).length,
    })),
  );
}

// What stands on the page now: pictures, formulas and widgets that are not drawn. A page far away may not be drawn yet.
const lookAtPage = () =>
  page.evaluate(async () => {
    await Promise.allSettled([...document.querySelectorAll(".jp-Notebook img")].map((image) => image.src.startsWith("data:") && image.decode()));
    const COMPLAINT = /(Error displaying widget|Error creating widget|Loading widget|model not found)/;
    const asked = (model) => model.outputs.toJSON().filter((o) => "application/vnd.jupyter.widget-view+json" in (o.data ?? {}));
    return {
      broken: window.code_cells().flatMap(({ node, model }) => {
        const drawn = [...node.querySelectorAll(".jp-OutputArea-output")].filter((part) => part.querySelector(".jupyter-widgets"));
        const [, complaint] = node.querySelector(".jp-Cell-outputWrapper")?.textContent.match(COMPLAINT) ?? [];
        const fewer = asked(model).length > drawn.length ? "nothing is drawn" : "";
        return complaint || fewer ? [`${model.id}: a widget is missing: ${complaint || fewer}`] : [];
      }),
      emptyPictures: [...document.querySelectorAll(".jp-Notebook img:not(.cm-editor img)")] // an editor has images of its own
        .filter((image) => !image.src.startsWith("http") && !(image.complete && image.naturalWidth))
        .map((image) => image.alt || image.src.slice(0, 60)),
      brokenFormulas: [...document.querySelectorAll(".jp-Notebook mjx-merror")].map((node) => node.textContent),
    };
  });

// Page by page, from the title to the end.
async function photograph() {
  const notebook = ".jp-WindowedPanel-outer";
  for (let top = 0; ; top += 850) {
    const height = await page.locator(notebook).evaluate((node, y) => (node.scrollTop = y) && 0 || node.scrollHeight, top);
    await page.waitForTimeout(80);
    await shoot("page");
    const faults = await lookAtPage();
    for (const kind in faults) seen[kind] = [...new Set([...seen[kind], ...faults[kind]])];
    if (top + 900 >= height) return;
  }
}

try {
  for (const part of [runAll, lookAtCells, moveAll, photograph]) {
    const start = Date.now();
    await part();
    console.error(part.name, (Date.now() - start) / 1000, "s");
  }
  await page.evaluate(() => window.jupyterapp.commands.execute("docmanager:save"));
  await page.waitForTimeout(500);
  await page.evaluate(() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown());
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));
