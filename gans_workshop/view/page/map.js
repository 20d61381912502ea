// Walk through the pictures. They lie on a plane without end: a cross of it, (i, j), has a z of its own, made from the seed
// of this country and its place; between four of them all are mixed. A texture is one picture, as large as the plane.
const net = prepare(about), picture = $("picture"), pen = picture.getContext("2d", { willReadFrequently: true });
const texture = about.kind === "texture", pad = texture ? picture : $("map"), still = matchMedia("(prefers-reduced-motion: reduce)");
const STEP = 256; // steps from one cross to the next: a place is a pair of whole numbers, so that a code can name it
let here = { seed: 0, x: 0, y: 0, bold: 20, mix: 0, from: about.classes.map(() => 0), to: about.classes.map(() => 0), pushes: {} };
let corner = [0, 0], walking = 0, heading = 0, crosses = new Map(), waiting = [];

// Random numbers that are the same on every machine
function stir(...numbers) {
  return numbers.reduce((h, n) => { h = Math.imul(h ^ n, 0x9e3779b1); return h ^ (h >>> 15); }, 0x2545f491);
}
function normals(count, ...seed) {
  let state = stir(...seed);
  const next = () => { // Mulberry32
    let t = (state = (state + 0x6d2b79f5) | 0);
    t = Math.imul(t ^ (t >>> 15), t | 1), t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return Float32Array.from({ length: count }, () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()));
}
function cross(i, j) {
  const name = `${here.seed},${i},${j}`;
  if (crosses.size > 400) crosses.clear();
  if (!crosses.has(name)) crosses.set(name, normals(about.latent, here.seed, i, j));
  return crosses.get(name);
}

function inputAt(x, y) {
  const i = Math.floor(x / STEP), j = Math.floor(y / STEP), u = x / STEP - i, v = y / STEP - j, z = new Float32Array(about.latent);
  const parts = [[i, j, (1 - u) * (1 - v)], [i + 1, j, u * (1 - v)], [i, j + 1, (1 - u) * v], [i + 1, j + 1, u * v]];
  const length = Math.hypot(...parts.map(([, , part]) => part)); // so that a mixture is as long as a z usually is
  for (const [a, b, part] of parts) if (part) cross(a, b).forEach((number, k) => (z[k] += (number * part) / length));
  for (const k in here.pushes) z[k] += here.pushes[k] / 16;
  return [...z.map((number) => (number * here.bold) / 20), ...labels()];
}
const labels = () => about.classes.flatMap(([, names], a) => names.map((_, c) => (1 - here.mix / 100) * (here.from[a] === c) + (here.mix / 100) * (here.to[a] === c)));

// One picture at a time
const pictureAt = (x, y) => paint(draw(net, inputAt(x, y)), net.to);
function showPicture() {
  pen.putImageData(pictureAt(here.x, here.y), 0, 0);
  const next = [here.x, here.y].map((place, side) => (place < corner[side] * STEP || place > (corner[side] + 1) * STEP ? Math.floor(place / STEP) : corner[side]));
  if (next.join() !== corner.join()) corner = next, redrawMap();
  $("dot").style.left = `${(100 * (here.x - corner[0] * STEP)) / STEP}%`, $("dot").style.top = `${(100 * (here.y - corner[1] * STEP)) / STEP}%`;
}
function redrawMap() { // little by little, from the middle out
  const far = (k) => Math.hypot((k % 5) - 2, Math.floor(k / 5) - 2);
  if (!waiting.length) requestAnimationFrame(drawMap);
  waiting = [...Array(25).keys()].sort((a, b) => far(b) - far(a));
}
function drawMap() {
  const end = performance.now() + (walking ? 2 : 12), [, h, w] = net.to;
  do {
    const k = waiting.pop(), place = [k % 5, Math.floor(k / 5)].map((n, side) => (corner[side] + (n + 0.5) / 5) * STEP);
    $("sheet").getContext("2d").putImageData(pictureAt(...place), (k % 5) * w, Math.floor(k / 5) * h);
  } while (waiting.length && performance.now() < end);
  if (waiting.length) requestAnimationFrame(drawMap);
}

// A texture: patches side by side, each from the sheet of z under it; without padding they fit together
const patches = new Map(), side = net.to[1];
const scale = net.layers.reduce((all, l) => all * (l.factor ?? (l.kind === "convTranspose" ? l.stride : l.kind === "conv" ? 1 / l.stride : 1)), 1);
function patchAt(i, j, turn = 0) { // turn: from 0 to 1, once round from this z to others and back
  const [channels, n] = about.start, z = new Float32Array(channels * n * n), t = 2 * Math.PI * turn;
  for (let y = 0; y < n; y++)
    for (let x = 0; x < n; x++) {
      const at = [(i * side) / scale + x, (j * side) / scale + y], a = normals(channels, here.seed, ...at), b = turn ? normals(channels, here.seed + 1, ...at) : a;
      for (let c = 0; c < channels; c++) z[(c * n + y) * n + x] = ((turn ? Math.cos(t) * a[c] + Math.sin(t) * b[c] : a[c]) * here.bold) / 20;
    }
  return paint(draw(net, z), net.to);
}
function showTexture(_, turn) {
  const left = Math.round((here.x * side) / STEP), top = Math.round((here.y * side) / STEP), end = performance.now() + 12;
  let missing = false;
  for (let j = Math.floor(top / side); j * side < top + picture.height; j++)
    for (let i = Math.floor(left / side); i * side < left + picture.width; i++) {
      const name = [here.seed, here.bold, i, j].join();
      if (patches.size > 600) patches.clear();
      if (!turn && !patches.has(name) && !(missing ||= performance.now() > end)) patches.set(name, patchAt(i, j));
      const patch = turn ? patchAt(i, j, turn) : patches.get(name);
      if (patch) pen.putImageData(patch, i * side - left, j * side - top);
      else pen.clearRect(i * side - left, j * side - top, side, side);
    }
  if (missing) requestAnimationFrame(showTexture); // the rest comes with the next pictures
}
const show = texture ? showTexture : showPicture;

// The code of a picture: seed, place and what else was changed, as whole numbers, sevens of bits, and letters
const LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; // no I, L, O, U
function codeOf() {
  const rest = [here.bold, here.mix, ...here.from, ...here.to, ...Object.entries(here.pushes).flat().map(Number)];
  const plain = here.bold === 20 && !rest.slice(1).some(Boolean);
  const bytes = [here.seed, Math.round(here.x), Math.round(here.y), ...(plain ? [] : rest)].flatMap((number) => {
    const sevens = [];
    for (let n = number < 0 ? -2 * number - 1 : 2 * number; ; n = Math.floor(n / 128)) { sevens.push((n % 128) + (n > 127 ? 128 : 0)); if (n < 128) return sevens; }
  });
  const check = stir(about.mark, ...bytes) & 0xffff; // another page has another mark
  const bits = [...bytes, check >> 8, check & 255].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return bits.match(/.{1,5}/g).map((five) => LETTERS[parseInt(five.padEnd(5, "0"), 2)]).join("").match(/.{1,4}/g).join("-");
}
function readCode(text) { // return what it says, or nothing where it is no code of this page
  const letters = text.toUpperCase().replace(/O/g, "0").replace(/[IL]/g, "1").replace(/[^0-9A-Z]/g, "");
  const bits = [...letters].map((letter) => LETTERS.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const bytes = (bits.match(/[01]{8}/g) ?? []).map((eight) => parseInt(eight, 2)), check = bytes.splice(-2);
  if (bytes.length < 3 || (stir(about.mark, ...bytes) & 0xffff) !== check[0] * 256 + check[1]) return null;
  const numbers = [];
  for (let n = 0, power = 1, i = 0; i < bytes.length; i++) {
    n += (bytes[i] & 127) * power, power *= 128;
    if (bytes[i] < 128) numbers.push(n % 2 ? -(n + 1) / 2 : n / 2), (n = 0), (power = 1);
  }
  const [seed, x, y, bold = 20, mix = 0, ...more] = numbers, count = about.classes.length, pushes = {};
  for (let k = 2 * count; k < more.length; k += 2) pushes[more[k]] = more[k + 1];
  return { seed, x, y, bold, mix, from: about.classes.map((_, a) => more[a] ?? 0), to: about.classes.map((_, a) => more[count + a] ?? 0), pushes };
}

// What a person does
function change(news) {
  Object.assign(here, news), show();
  if (walking) return;
  $("code").value = codeOf(), picture.setAttribute("aria-label", `The picture with the code ${$("code").value}`);
  for (const name of ["bold", "mix"]) $(name).value = here[name];
  document.querySelectorAll("#numbers input").forEach((input) => (input.value = here.pushes[input.name] ?? 0));
  document.querySelectorAll("[data-end]").forEach((input) => (input.checked = here[input.dataset.end][input.name.split("-")[1]] === +input.value));
}
const newCountry = (place = {}) => (crosses.clear(), redrawMap(), change({ seed: Math.floor(Math.random() * 2 ** 24), pushes: {}, ...place }));
const surprise = () => newCountry({ x: STEP * (corner[0] + Math.random()) | 0, y: STEP * (corner[1] + Math.random()) | 0 });
const clamp = (value, low) => Math.max(low, Math.min(low + STEP, value));
function move(x, y) {
  change(texture ? { x, y } : { x: clamp(Math.round(x), corner[0] * STEP), y: clamp(Math.round(y), corner[1] * STEP) });
}
let last = { time: -1e9 };
pad.onpointerdown = (e) => {
  stop(), pad.setPointerCapture(e.pointerId);
  const twice = e.timeStamp - last.time < 350 && Math.hypot(e.clientX - last.clientX, e.clientY - last.clientY) < 24;
  last = { time: twice ? -1e9 : e.timeStamp, clientX: e.clientX, clientY: e.clientY, x: here.x, y: here.y };
  twice ? newCountry() : pad.onpointermove(e);
};
pad.onpointermove = (e) => {
  if (!pad.hasPointerCapture(e.pointerId)) return;
  const box = pad.getBoundingClientRect();
  if (texture) move(last.x - Math.round(((e.clientX - last.clientX) / box.width) * (picture.width / side) * STEP), last.y - Math.round(((e.clientY - last.clientY) / box.height) * (picture.height / side) * STEP));
  else move((corner[0] + (e.clientX - box.x) / box.width) * STEP, (corner[1] + (e.clientY - box.y) / box.height) * STEP);
};
pad.onkeydown = (e) => {
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[e.key], far = e.shiftKey ? 48 : 12;
  if (e.key === "Enter") newCountry();
  if (step) e.preventDefault(), stop(), move(here.x + step[0] * far, here.y + step[1] * far);
};
function stop() {
  if (walking) cancelAnimationFrame(walking), clearTimeout(walking), (walking = 0), change({ x: Math.round(here.x), y: Math.round(here.y) });
  $("walk").setAttribute("aria-pressed", "false");
}
function stroll(before) { // where less motion is wished, a new picture now and then instead of a film
  walking = still.matches ? setTimeout(() => stroll(performance.now() - 900), 1500) : requestAnimationFrame(() => stroll(now));
  const now = performance.now(), way = Math.min(100, now - before) * 0.06 * (still.matches ? 9 : 1);
  heading += (Math.random() - 0.5) * way * 0.05;
  change({ x: here.x + way * Math.cos(heading), y: here.y + way * Math.sin(heading) });
}
$("walk").onclick = () => (walking ? stop() : ($("walk").setAttribute("aria-pressed", "true"), stroll(performance.now())));
$("surprise").onclick = () => (stop(), surprise());
$("png").onclick = () => savePng(picture);
$("gif").onclick = async () => { // a walk that ends where it began
  stop();
  const { x, y } = here, round = (t) => ({ x: x + STEP * 0.5 * (1 - Math.cos(2 * Math.PI * t)), y: y + STEP * 0.5 * Math.sin(2 * Math.PI * t) });
  await saveGif(picture, texture ? 24 : 40, (t) => (texture ? showTexture(0, t || 1) : pen.putImageData(pictureAt(round(t).x, round(t).y), 0, 0)));
  change({});
};
$("copy").onclick = () => navigator.clipboard.writeText($("code").value).then(() => say("Copied."), () => ($("code").select(), say("Press Ctrl+C, or hold the marked code.")));
$("code").onchange = () => {
  const found = readCode($("code").value);
  if (!found) return say("This code belongs to another page, or a letter of it is wrong.");
  stop(), (corner = [Math.floor(found.x / STEP), Math.floor(found.y / STEP)]), change(found), redrawMap(), say("This is the picture of that code.");
};
for (const name of ["bold", "mix"]) $(name).oninput = () => (change({ [name]: +$(name).value }), redrawMap());

function input(parent, words, settings, onInput) {
  const label = document.createElement("label"), made = Object.assign(document.createElement("input"), settings);
  label.append(made, Object.assign(document.createElement("span"), { textContent: words })), parent.append(label), (made.oninput = () => onInput(made));
  return made;
}
for (let k = 0; k < about.latent && k < 64 && !texture; k++)
  input($("numbers"), `z ${k + 1}`, { type: "range", min: -48, max: 48, name: k }, (made) => { change({ pushes: { ...here.pushes, [k]: +made.value } }); });
for (const end of ["from", "to"])
  about.classes.forEach(([attribute, names], a) => {
    const group = $(end).appendChild(document.createElement("fieldset"));
    group.append(Object.assign(document.createElement("legend"), { textContent: attribute }));
    names.forEach((words, c) => (input(group, words, { type: "radio", name: `${end}-${a}`, value: c }, () => (change({ [end]: here[end].map((old, b) => (b === a ? c : old)) }), redrawMap())).dataset.end = end));
  });
$("classes").hidden = !about.classes.length;
[picture.width, picture.height] = texture ? [4 * side, 3 * side] : [net.to[2], net.to[1]];
if (!texture) ($("sheet").width = 5 * net.to[2]), ($("sheet").height = 5 * net.to[1]);
const asked = readCode(location.hash.slice(1));
asked ? (change(asked), redrawMap()) : newCountry({ x: STEP / 2, y: STEP / 2 });
