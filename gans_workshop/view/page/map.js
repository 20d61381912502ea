// Walk through the pictures. They lie on a plane without end: each crossing (i, j) has a z of its own, made from the seed
// of this map and its place; between four crossings all four are mixed. A texture is one picture, as large as the plane.
const net = prepare(about), picture = $("picture"), pen = picture.getContext("2d", { willReadFrequently: true });
const texture = about.kind === "texture", pad = texture ? picture : $("map"), calm = matchMedia("(prefers-reduced-motion: reduce)");
const STEP = 256; // from one crossing to the next: a place is a pair of whole numbers, so that a code can name it
const none = about.classes.map(() => 0), crossings = new Map(), patches = new Map();
const here = { seed: 0, x: STEP / 2, y: STEP / 2, bold: 20, mix: 0, from: none, to: none, pushes: {} }; // all that a picture depends on
let corner = [0, 0], waiting = [], walking = 0, heading = 0, turn = 0;

// Random numbers that are the same on every machine
function stir(...numbers) {
  return numbers.reduce((h, n) => ((h = Math.imul(h ^ n, 0x9e3779b1)), h ^ (h >>> 15)), 0x2545f491);
}
function normals(count, ...seed) {
  let state = stir(...seed);
  const next = () => { // Mulberry32
    let t = (state = (state + 0x6d2b79f5) | 0);
    t = Math.imul(t ^ (t >>> 15), t | 1), (t ^= t + Math.imul(t ^ (t >>> 7), t | 61));
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return Float32Array.from({ length: count }, () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()));
}
function remembered(memory, name, make) {
  if (memory.size > 600) memory.clear();
  if (!memory.has(name)) memory.set(name, make());
  return memory.get(name);
}

// One picture for each place of the map
function inputAt(x, y) {
  const i = Math.floor(x / STEP), j = Math.floor(y / STEP), u = x / STEP - i, v = y / STEP - j, z = new Float32Array(about.latent);
  const parts = [[i, j, (1 - u) * (1 - v)], [i + 1, j, u * (1 - v)], [i, j + 1, (1 - u) * v], [i + 1, j + 1, u * v]];
  const length = Math.hypot(...parts.map(([, , part]) => part)); // so that a mixture is as long as a z usually is
  for (const [a, b, part] of parts)
    remembered(crossings, [here.seed, a, b].join(), () => normals(about.latent, here.seed, a, b))
      .forEach((number, k) => (z[k] += (number * part) / length));
  for (const k in here.pushes) z[k] += here.pushes[k] / 16;
  return [...z.map((number) => (number * here.bold) / 20), ...labels()];
}
function labels() { // the one-hot labels, or a mixture of two
  const share = here.mix / 100;
  return about.classes.flatMap(([, names], a) => names.map((_, c) => (1 - share) * (here.from[a] === c) + share * (here.to[a] === c)));
}
const pictureAt = (x, y) => paint(draw(net, inputAt(x, y)), net.to);

function showPicture() {
  pen.putImageData(pictureAt(here.x, here.y), 0, 0);
  const places = [here.x / STEP, here.y / STEP];
  if (places.some((place, k) => place < corner[k] || place > corner[k] + 1)) corner = places.map(Math.floor), redrawMap();
  [$("dot").style.left, $("dot").style.top] = places.map((place, k) => `${100 * (place - corner[k])}%`);
}
function redrawMap() { // 5 x 5 pictures, little by little, from the middle out
  if (texture) return;
  const far = (k) => Math.hypot((k % 5) - 2, Math.floor(k / 5) - 2);
  if (!waiting.length) requestAnimationFrame(drawMap);
  waiting = [...Array(25).keys()].sort((a, b) => far(b) - far(a));
}
function drawMap() {
  if (walking && ++turn % 3) return requestAnimationFrame(drawMap); // the walk comes first
  const end = performance.now() + (walking ? 1 : 12), [, h, w] = net.to;
  do {
    const k = waiting.pop(), row = Math.floor(k / 5), column = k % 5;
    const image = pictureAt((corner[0] + (column + 0.5) / 5) * STEP, (corner[1] + (row + 0.5) / 5) * STEP);
    $("sheet").getContext("2d").putImageData(image, column * w, row * h);
  } while (waiting.length && performance.now() < end);
  if (waiting.length) requestAnimationFrame(drawMap);
}

// A texture: patches side by side, each from the sheet of z under it; without padding they fit together
const side = net.to[1], growth = (l) => l.factor ?? { convTranspose: l.stride, conv: 1 / l.stride }[l.kind] ?? 1;
const perPatch = side / net.layers.reduce((all, l) => all * growth(l), 1); // places of z from one patch to the next
function patchAt(i, j, turn = 0) { // turn, from 0 to 1: once round, from this z to others and back
  const [channels, n] = about.start, z = new Float32Array(channels * n * n), angle = 2 * Math.PI * turn;
  for (let y = 0; y < n; y++)
    for (let x = 0; x < n; x++) {
      const place = [i * perPatch + x, j * perPatch + y], other = turn ? normals(channels, here.seed + 1, ...place) : [];
      normals(channels, here.seed, ...place).forEach((number, c) => {
        z[(c * n + y) * n + x] = ((number * Math.cos(angle) + (other[c] ?? 0) * Math.sin(angle)) * here.bold) / 20;
      });
    }
  return paint(draw(net, z), net.to);
}
function showTexture(turn) {
  const left = Math.round((here.x * side) / STEP), top = Math.round((here.y * side) / STEP), end = performance.now() + 12;
  let missing = false;
  for (let j = Math.floor(top / side); j * side < top + picture.height; j++)
    for (let i = Math.floor(left / side); i * side < left + picture.width; i++) {
      const name = [here.seed, here.bold, i, j].join(), place = [i * side - left, j * side - top];
      if (turn) pen.putImageData(patchAt(i, j, turn), ...place);
      else if (patches.has(name) || !(missing ||= performance.now() > end))
        pen.putImageData(remembered(patches, name, () => patchAt(i, j)), ...place);
      else pen.clearRect(...place, side, side);
    }
  if (missing) requestAnimationFrame(() => showTexture()); // the rest comes with the next frames
}

// The code of a picture: all whole numbers of `here` that are not as usual, and a check, in the digits 0 to F
function codeOf() {
  const { seed, x, y, bold, mix, from, to, pushes } = here;
  const rest = [bold, mix, ...from, ...to, ...Object.entries(pushes).flat().map(Number)];
  const numbers = [seed, Math.round(x), Math.round(y), ...(rest.some((n, k) => n !== (k ? 0 : 20)) ? rest : [])];
  const whole = numbers.map((n) => (n < 0 ? -2 * n - 1 : 2 * n));
  return [...whole, stir(about.mark, ...whole) & 0xffff].map((n) => n.toString(16).toUpperCase()).join("-"); // mark: this page's
}
function readCode(text) { // what it says, or nothing where it is no code of this page
  const written = text.toUpperCase().replace(/O/g, "0").replace(/[IL]/g, "1").match(/[0-9A-F]+/g) ?? [];
  const whole = written.map((digits) => parseInt(digits, 16)), check = whole.pop();
  if (whole.length < 3 || (stir(about.mark, ...whole) & 0xffff) !== check) return null;
  const [seed, x, y, bold = 20, mix = 0, ...more] = whole.map((n) => (n % 2 ? -(n + 1) / 2 : n / 2));
  const [from, to] = [0, none.length].map((first) => none.map((_, a) => more[first + a] ?? 0)), pushes = {};
  for (let k = 2 * none.length; k < more.length; k += 2) pushes[more[k]] = more[k + 1];
  return { seed, x, y, bold, mix, from, to, pushes };
}

// What a person does
function change(news, other) {
  Object.assign(here, news), texture ? showTexture() : showPicture();
  if (other) redrawMap(); // another map, not only another place on it
  if (walking) return;
  $("code").value = codeOf(), picture.setAttribute("aria-label", `The picture with the number ${$("code").value}`);
  for (const name of ["bold", "mix"]) $(name).value = here[name];
  for (const input of document.querySelectorAll("#numbers input")) input.value = here.pushes[input.name] ?? 0;
  for (const input of document.querySelectorAll("#classes [type=radio]"))
    input.checked = here[input.name.split("-")[0]][input.name.split("-")[1]] === +input.value;
}
const newMap = () => change({ seed: Math.floor(Math.random() * 2 ** 24), pushes: {} }, true);
function move(...place) {
  const inside = (at, k) => (texture ? at : Math.max(corner[k] * STEP, Math.min((corner[k] + 1) * STEP, at)));
  const [x, y] = place.map((at, k) => Math.round(inside(at, k)));
  change({ x, y });
}
let last = { time: -1000 };
pad.onpointerdown = ({ pointerId, timeStamp, clientX, clientY }) => {
  stop(), pad.setPointerCapture(pointerId);
  const twice = timeStamp - last.time < 350 && Math.hypot(clientX - last.clientX, clientY - last.clientY) < 24;
  last = { time: twice ? -1000 : timeStamp, clientX, clientY, x: here.x, y: here.y };
  twice ? newMap() : pad.onpointermove({ pointerId, clientX, clientY });
};
pad.onpointermove = ({ pointerId, clientX, clientY }) => {
  if (!pad.hasPointerCapture(pointerId)) return;
  const { x, y, width, height } = pad.getBoundingClientRect(), steps = (STEP * picture.width) / side / width;
  if (texture) move(last.x - (clientX - last.clientX) * steps, last.y - (clientY - last.clientY) * steps);
  else move((corner[0] + (clientX - x) / width) * STEP, (corner[1] + (clientY - y) / height) * STEP);
};
pad.onkeydown = (event) => {
  const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key], far = event.shiftKey ? 48 : 12;
  if (event.key === "Enter") newMap();
  if (way) event.preventDefault(), stop(), move(here.x + way[0] * far, here.y + way[1] * far);
};
function walk(before) { // where less motion is wished for, another picture now and then instead of a film
  const now = performance.now(), way = calm.matches ? 50 : Math.min(100, now - before) * 0.06;
  walking = calm.matches ? setTimeout(() => walk(now), 1500) : requestAnimationFrame(() => walk(now));
  heading += (Math.random() - 0.5) * way * 0.05;
  change({ x: here.x + way * Math.cos(heading), y: here.y + way * Math.sin(heading) });
}
function stop() {
  cancelAnimationFrame(walking), clearTimeout(walking);
  if (walking) (walking = 0), change({ x: Math.round(here.x), y: Math.round(here.y) });
  $("walk").setAttribute("aria-pressed", "false");
}
$("walk").onclick = () => (walking ? stop() : ($("walk").setAttribute("aria-pressed", "true"), walk(performance.now())));
$("surprise").onclick = () => (stop(), newMap());
$("png").onclick = () => savePng(picture);
$("gif").onclick = async () => { // a way that ends where it began
  stop();
  const { x, y } = here, round = (t) => [x + 128 * (1 - Math.cos(2 * Math.PI * t)), y + 128 * Math.sin(2 * Math.PI * t)];
  await saveGif(picture, texture ? 24 : 40, (t) => (texture ? showTexture(t || 1) : pen.putImageData(pictureAt(...round(t)), 0, 0)));
  change({});
};
$("copy").onclick = async () => {
  const copied = await navigator.clipboard?.writeText($("code").value).then(() => true, () => false);
  copied ? say("Copied.") : ($("code").select(), say("Copy the marked number."));
};
$("code").onchange = () => {
  const found = readCode($("code").value);
  say(found ? "This is the picture with that number." : "This number belongs to another page, or a digit of it is wrong.");
  if (found) stop(), change(found, true);
};
for (const name of ["bold", "mix"]) $(name).oninput = () => change({ [name]: +$(name).value }, true);

function input(parent, words, settings, oninput) {
  const label = parent.appendChild(document.createElement("label")), made = document.createElement("input");
  label.append(Object.assign(made, settings, { oninput }), Object.assign(document.createElement("span"), { textContent: words }));
}
for (let k = 0; k < about.latent && k < 64 && !texture; k++)
  input($("numbers"), `z ${k + 1}`, { type: "range", min: -48, max: 48, name: k }, (event) => {
    change({ pushes: { ...here.pushes, [k]: +event.target.value } }, true);
  });
for (const end of ["from", "to"])
  about.classes.forEach(([attribute, names], a) => {
    const group = $(end).appendChild(document.createElement("fieldset"));
    group.append(Object.assign(document.createElement("legend"), { textContent: attribute }));
    names.forEach((words, c) => input(group, words, { type: "radio", name: `${end}-${a}`, value: c }, () => {
      change({ [end]: here[end].map((old, b) => (b === a ? c : old)) }, true);
    }));
  });
$("classes").hidden = !about.classes.length;
[picture.width, picture.height] = texture ? [4 * side, 3 * side] : [net.to[2], net.to[1]];
if (!texture) [$("sheet").width, $("sheet").height] = [5 * net.to[2], 5 * net.to[1]];
newMap(), change(readCode(location.hash.slice(1)) ?? {}, true);
