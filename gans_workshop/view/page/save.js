// Files to take home: PNG, and an animated GIF with a palette of its own.
const $ = (id) => document.getElementById(id);
const say = (words) => ($("status").textContent = words);
const pause = () => new Promise((go) => setTimeout(go)); // lets the browser draw and listen

function download(blob, ending) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: `${about.name}.${ending}` });
  link.click(), setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

function enlarged(canvas, zoom) { // pixels stay squares
  const large = Object.assign(document.createElement("canvas"), { width: canvas.width * zoom, height: canvas.height * zoom });
  const brush = large.getContext("2d", { willReadFrequently: true });
  brush.imageSmoothingEnabled = false, brush.drawImage(canvas, 0, 0, large.width, large.height);
  return large;
}

const savePng = (canvas) => enlarged(canvas, Math.ceil(512 / canvas.width)).toBlob((blob) => download(blob, "png"));

async function saveGif(canvas, count, showFrame) {
  const zoom = Math.max(1, Math.round(192 / canvas.width)), frames = [];
  for (let i = 0; i < count; i++) {
    say(`Drawing the film: ${i + 1} of ${count} pictures`);
    showFrame(i / count), await pause();
    frames.push(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data);
  }
  download(new Blob([gifOf(frames, canvas.width, canvas.height, zoom, 8)], { type: "image/gif" }), "gif");
  say("The film is in your downloads.");
}

// Up to 256 colours for all frames. Cut the colours that occur into boxes: always the box in which colours differ most,
// in the middle of its pixels along its longest side. The mean of a box is a colour of the palette.
function paletteOf(frames) {
  const exact = (frame, p) => (frame[p] << 16) | (frame[p + 1] << 8) | frame[p + 2];
  let read = exact, pixels = counted(frames, read);
  if (pixels.size > 4096) // too many to sort: 64 steps a channel instead of 256
    pixels = counted(frames, (read = (frame, p) => (exact(frame, p) & 0xfcfcfc) | 0x020202));
  const channel = (colour, c) => (colour >> (8 * c)) & 255;
  const box = (colours) => {
    const low = [255, 255, 255], high = [0, 0, 0], count = colours.reduce((sum, [, n]) => sum + n, 0);
    for (let c = 0; c < 3; c++)
      for (const [colour] of colours) (low[c] = Math.min(low[c], channel(colour, c))), (high[c] = Math.max(high[c], channel(colour, c)));
    const spans = high.map((value, c) => value - low[c]), longest = Math.max(...spans);
    return { colours, count, side: spans.indexOf(longest), weight: longest * Math.sqrt(count) };
  };
  const boxes = [box([...pixels])];
  while (boxes.length < 256) {
    const { colours, count, side, weight } = boxes.sort((a, b) => a.weight - b.weight).pop();
    colours.sort(([a], [b]) => channel(a, side) - channel(b, side));
    let cut = 1, before = colours[0][1];
    while (cut < colours.length - 1 && before + colours[cut][1] / 2 < count / 2) before += colours[cut++][1];
    boxes.push(box(colours.slice(0, cut)));
    if (!weight) break; // each colour has a box of its own
    boxes.push(box(colours.slice(cut)));
  }
  const mean = ({ colours, count }, c) => Math.round(colours.reduce((sum, [k, n]) => sum + n * channel(k, c), 0) / count);
  const numbers = new Map(boxes.flatMap(({ colours }, i) => colours.map(([colour]) => [colour, i])));
  const palette = boxes.map((one) => [mean(one, 2), mean(one, 1), mean(one, 0)]);
  return { palette, indexOf: (frame, p) => numbers.get(read(frame, p)) };
}

function counted(frames, read, pixels = new Map()) {
  for (const frame of frames) for (let p = 0; p < frame.length; p += 4) pixels.set(read(frame, p), (pixels.get(read(frame, p)) ?? 0) + 1);
  return pixels;
}

// An endless GIF of RGBA frames, `hundredths` of a second each. LZW: every row of colours met before gets a number.
function gifOf(frames, width, height, zoom, hundredths) {
  const { palette, indexOf } = paletteOf(frames), out = [], word = (n) => [n & 255, n >> 8];
  const letters = (text) => [...text].map((letter) => letter.charCodeAt(0));
  out.push(...letters("GIF89a"), ...word(width * zoom), ...word(height * zoom), 0xf7, 0, 0);
  for (let i = 0; i < 256; i++) out.push(...(palette[i] ?? [0, 0, 0]));
  out.push(0x21, 0xff, 11, ...letters("NETSCAPE2.0"), 3, 1, 0, 0, 0);
  const known = new Uint16Array(4096 * 256);
  for (const frame of frames) {
    out.push(0x21, 0xf9, 4, 0, ...word(hundredths), 0, 0, 0x2c, 0, 0, 0, 0, ...word(width * zoom), ...word(height * zoom), 0, 8);
    const colours = Uint8Array.from({ length: width * height }, (_, i) => indexOf(frame, 4 * i));
    const bytes = [];
    let next = 258, size = 9, held = 0, count = 0, row = -1;
    const put = (number) => { for (held |= number << count, count += size; count >= 8; held >>>= 8, count -= 8) bytes.push(held & 255); };
    known.fill(0), put(256);
    for (let y = 0; y < height * zoom; y++)
      for (let x = 0; x < width * zoom; x++) {
        const colour = colours[Math.floor(y / zoom) * width + Math.floor(x / zoom)];
        const longer = row < 0 ? colour : known[row * 256 + colour];
        if (longer || row < 0) { row = longer; continue; } // met before: the row grows
        put(row), (known[row * 256 + colour] = next++), (row = colour);
        if (next > 1 << size && size < 12) size++;
        if (next > 4095) put(256), known.fill(0), (next = 258), (size = 9);
      }
    put(row), put(257);
    if (count) bytes.push(held & 255);
    for (let i = 0; i < bytes.length; i += 255) out.push(Math.min(255, bytes.length - i), ...bytes.slice(i, i + 255));
    out.push(0);
  }
  return Uint8Array.from([...out, 0x3b]);
}
