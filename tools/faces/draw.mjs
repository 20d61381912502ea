// Draw faces: one JSON object of toon-head's options on each line of stdin gives size x size x 4 bytes (RGBA) on stdout.

import { createInterface } from "node:readline";
import { createAvatar } from "@dicebear/core";
import * as toonHead from "@dicebear/toon-head";
import { Resvg } from "@resvg/resvg-js";

const size = Number(process.argv[2]);

for await (const line of createInterface({ input: process.stdin })) {
  const svg = createAvatar(toonHead, JSON.parse(line)).toString();
  const picture = new Resvg(svg, { fitTo: { mode: "width", value: size }, background: "white" }).render();
  if (!process.stdout.write(picture.pixels)) await new Promise((free) => process.stdout.once("drain", free));
}
