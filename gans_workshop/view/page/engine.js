const about = JSON.parse(document.getElementById("about").textContent);
// A generator draws: plain JavaScript, no library. A sheet is a row of numbers in the order of PyTorch: all of channel 0,
// line by line, then channel 1, ... `shape` is [channels, height, width]. Batch norm was folded into the weights before.
// A convolution is a matrix product. `slide` writes, for each place of the sliding window, what lies under it into a
// column; each row of the weights times each column is one new pixel. A transposed convolution goes the other way: first
// the product, then `slide` lets each pixel paint its patch. A linear layer is the same with a single column.

const area = ([channels, height, width]) => channels * height * width;
const up = (count, step) => Math.ceil(count / step) * step;
const shrunk = (side, l) => Math.floor((side + 2 * l.padding - l.kernel) / l.stride) + 1;
const grown = (side, l) => (side - 1) * l.stride - 2 * l.padding + l.kernel + l.extra;

// The shape after each kind of layer; those that are not here leave it as it is. `keep` and `join` are a skip connection.
const SHAPES = {
  linear: (shape, l) => [l.outputs, 1, 1],
  unflatten: (shape, l) => l.shape,
  flatten: (shape) => [area(shape), 1, 1],
  conv: ([, h, w], l) => [l.outputs, shrunk(h, l), shrunk(w, l)],
  convTranspose: ([, h, w], l) => [l.outputs, grown(h, l), grown(w, l)],
  upsample: ([c, h, w], l) => [c, h * l.factor, w * l.factor],
  join: ([c, h, w], l, kept) => [c + kept.pop()[0], h, w],
};

// What each kind of layer does: x comes in with shape l.from, y goes out with shape l.to.
const DO = {
  linear(x, y, l, net) {
    x.forEach((value, k) => (net.f[net.room + 8 * k] = value));
    const out = product(net, l, 8);
    for (let o = 0; o < l.outputs; o++) y[o] = net.f[out + 8 * o];
    addBias(y, l, net);
  },
  conv(x, y, l, net) {
    const [, H, W] = l.to, columns = up(H * W, 8);
    net.f.fill(0, net.room, net.room + l.inner * columns);
    slide(x, l.from, net.f, net.room, l.to, columns, l, true);
    const out = product(net, l, columns);
    for (let o = 0, from = out; o < l.outputs; o++, from += columns) y.set(net.f.subarray(from, from + H * W), o * H * W);
    addBias(y, l, net);
  },
  convTranspose(x, y, l, net) {
    const [c, h, w] = l.from, columns = up(h * w, 8);
    for (let k = 0; k < c; k++) net.f.set(x.subarray(k * h * w, (k + 1) * h * w), net.room + k * columns);
    slide(y.fill(0), l.to, net.f, product(net, l, columns), l.from, columns, l, false);
    addBias(y, l, net);
  },
  scale(x, y, l, net) { // a batch norm that follows no weights
    const n = y.length / l.from[0];
    x.forEach((value, i) => (y[i] = value * net.f[l.weight + Math.floor(i / n)] + net.f[l.bias + Math.floor(i / n)]));
  },
  instance(x, y, { from, eps }) { // each sheet is brought to mean 0 and spread 1
    for (let at = 0, n = y.length / from[0]; at < y.length; at += n) {
      const s = x.subarray(at, at + n), mean = s.reduce((a, b) => a + b) / n, square = s.reduce((a, b) => a + (b - mean) ** 2, 0) / n;
      y.set(s.map((value) => (value - mean) / Math.sqrt(square + eps)), at);
    }
  },
  relu(x, y, { slope }) { for (let i = 0; i < y.length; i++) y[i] = x[i] < 0 ? x[i] * slope : x[i]; },
  tanh(x, y) { for (let i = 0; i < y.length; i++) y[i] = Math.tanh(x[i]); },
  sigmoid(x, y) { for (let i = 0; i < y.length; i++) y[i] = 1 / (1 + Math.exp(-x[i])); },
  upsample(x, y, l) { // the nearest pixel, or bilinear: a mixture of four, as PyTorch's align_corners=False
    const [, h, w] = l.from, [C, H, W] = l.to, clamp = (place, limit) => Math.min(Math.max(place, 0), limit - 1);
    const along = (count, limit) => Array.from({ length: count }, (_, place) => {
      const at = l.smooth ? (place + 0.5) / l.factor - 0.5 : Math.floor(place / l.factor), low = Math.floor(at);
      return { low: clamp(low, limit), high: clamp(low + 1, limit), part: at - low };
    });
    const down = along(H, h), across = along(W, w);
    for (let c = 0, to = 0; c < C; c++)
      for (let v = 0; v < H; v++) {
        const upper = (c * h + down[v].low) * w, lower = (c * h + down[v].high) * w, below = down[v].part;
        for (let u = 0; u < W; u++) {
          const { low, high, part } = across[u], above = x[upper + low] * (1 - part) + x[upper + high] * part;
          y[to++] = above * (1 - below) + (x[lower + low] * (1 - part) + x[lower + high] * part) * below;
        }
      }
  },
  keep(x, y, l, net) { y.set(x), net.kept.push(y); },
  join(x, y, l, net) { y.set(net.kept.pop()), y.set(x, y.length - x.length); }, // torch.cat([kept, x], 1)
};
DO.flatten = DO.unflatten = (x, y) => y.set(x);

function addBias(y, l, { f }) {
  const n = y.length / l.outputs;
  if (l.bias !== undefined)
    for (let o = 0; o < l.outputs; o++) for (let i = o * n, add = f[l.bias + o]; i < (o + 1) * n; i++) y[i] += add;
}

// Slide a window over the large sheet, from place to place of the small one. For each pixel of the window and each line of
// places, `write` what lies under it into the matrix, or else let the matrix paint it; a rim of zeros is left out.
function slide(large, [channels, height, width], f, at, [, high, wide], columns, { kernel, stride, padding }, write) {
  const first = (shift) => Math.max(0, Math.ceil(-shift / stride));
  const end = (shift, count, limit) => Math.min(count, Math.floor((limit - 1 - shift) / stride) + 1);
  for (let ky = 0; ky < kernel; ky++)
    for (let kx = 0; kx < kernel; kx++) {
      const dy = ky - padding, dx = kx - padding, top = first(dy), left = first(dx);
      const down = end(dy, high, height), across = end(dx, wide, width) - left;
      for (let c = 0; c < channels; c++)
        for (let v = top; v < down; v++) {
          let i = at + ((c * kernel + ky) * kernel + kx) * columns + v * wide + left;
          let k = (c * height + v * stride + dy) * width + left * stride + dx;
          if (write) for (const stop = i + across; i < stop; i++, k += stride) f[i] = large[k];
          else for (const stop = i + across; i < stop; i++, k += stride) large[k] += f[i];
        }
    }
}

// Multiply the weights of a layer by the columns that lie at net.room; return where the result begins.
function product(net, l, columns) {
  const out = net.room + l.inner * columns;
  net.multiply(4 * l.weight, 4 * net.room, 4 * out, up(l.rows, 4), columns, l.inner); // addresses are in bytes
  return out;
}

// multiply.wat in plain JavaScript, for browsers without it: out (rows x columns) = a (rows x inner) * b (inner x columns)
const plainly = (f) => (a, b, out, rows, columns, inner) => {
  for (let r = 0, to = out / 4; r < rows; r++)
    for (let c = 0; c < columns; c++, to++) {
      let sum = 0;
      for (let k = 0, p = a / 4 + r * inner, q = b / 4 + c; k < inner; k++, p++, q += columns) sum += f[p] * f[q];
      f[to] = sum;
    }
};

// Find the shapes of all sheets, and lay the weights and the room for the largest product into one memory.
function prepare({ layers, start, count, bits, data, kernel }) {
  const net = { kept: [], room: up(count, 4) }, keeps = [];
  let shape = start, largest = 0;
  net.layers = layers.map((layer) => {
    const l = { ...layer, from: shape };
    l.to = shape = SHAPES[l.kind] ? SHAPES[l.kind](shape, l, keeps) : shape;
    if (l.kind === "keep") keeps.push(shape);
    const columns = l.kind === "conv" ? area(shape) / shape[0] : area(l.from) / l.from[0]; // a linear layer needs fewer
    if (l.rows) largest = Math.max(largest, (l.inner + up(l.rows, 4)) * up(columns, 8));
    return { ...l, y: new Float32Array(area(shape)) };
  });
  const floats = net.room + largest + 16;
  try {
    const memory = new WebAssembly.Memory({ initial: Math.ceil(floats / 16384) }); // pages of 64 kB
    const program = new WebAssembly.Module(bytesOf(kernel));
    net.multiply = new WebAssembly.Instance(program, { js: { memory } }).exports.multiply;
    net.f = new Float32Array(memory.buffer), net.engine = "WebAssembly";
  } catch { // no WebAssembly, or one that cannot multiply four numbers at a time: slower, and as right
    net.f = new Float32Array(floats), net.multiply = plainly(net.f), net.engine = "JavaScript";
  }
  net.f.set(numbersOf(bytesOf(data), bits)), net.to = shape;
  return net;
}

// Return the picture of z, or of a picture: numbers from -1 to 1. The next one is written over it.
function draw(net, input) {
  return net.layers.reduce((x, l) => (DO[l.kind](x, l.y, l, net), l.y), Float32Array.from(input));
}

function bytesOf(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text); // fast where it is known
  const letters = atob(text), bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

function numbersOf(bytes, bits) {
  if (bits === 32) return new Float32Array(bytes.buffer);
  const table = Float32Array.from({ length: 65536 }, (_, half) => { // a number of 16 bits: sign, power of two, fraction
    const power = (half >> 10) & 31, fraction = (half & 1023) / 1024;
    return (half & 32768 ? -1 : 1) * (power ? (1 + fraction) * 2 ** (power - 15) : fraction * 2 ** -14);
  });
  const halves = new Uint16Array(bytes.buffer), numbers = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) numbers[i] = table[halves[i]]; // Float32Array.from takes ten times as long
  return numbers;
}

// Put the numbers of a picture, -1 to 1, into ImageData, which rounds them; grey where there is one channel.
function paint(picture, [channels, height, width]) {
  const image = new ImageData(width, height), { data } = image, n = height * width;
  for (let i = 0; i < n; i++) {
    for (let c = 0; c < 3; c++) data[4 * i + c] = (picture[(channels > 1 ? c * n : 0) + i] + 1) * 127.5;
    data[4 * i + 3] = 255;
  }
  return image;
}
