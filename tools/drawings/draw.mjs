// Draw SVG files: one path on each line of stdin gives size x size x 4 bytes (RGBA, on white) on stdout.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { Resvg } from "@resvg/resvg-js";

const size = Number(process.argv[2]);
const options = { fitTo: { mode: "width", value: size }, background: "white", font: { loadSystemFonts: false } };

for await (const line of createInterface({ input: process.stdin })) {
  const picture = new Resvg(readFileSync(line), options).render();
  if (!process.stdout.write(picture.pixels)) await new Promise((free) => process.stdout.once("drain", free));
}
