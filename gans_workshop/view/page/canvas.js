// Draw, or give it a picture or the camera, and the network paints: what goes in stands beside what comes out, live.
const net = prepare(about), [channels, height, width] = about.start, zoom = Math.max(1, Math.ceil(320 / width));
const paper = Object.assign($("paper"), { width: width * zoom, height: height * zoom });
const picture = Object.assign($("picture"), { width: net.to[2], height: net.to[1] });
const small = Object.assign(document.createElement("canvas"), { width, height });
const [pen, look] = [paper, small].map((canvas) => canvas.getContext("2d", { willReadFrequently: true }));
const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
let erasing = false, before = [], due = false, camera = null;
look.imageSmoothingQuality = "high";

function show() { // once a frame is enough
  if (!due) (due = true), requestAnimationFrame(() => ((due = false), paintIt()));
}
function paintIt() {
  look.drawImage(paper, 0, 0, width, height);
  const { data } = look.getImageData(0, 0, width, height), n = width * height, x = new Float32Array(channels * n);
  const grey = (p) => 0.299 * data[p] + 0.587 * data[p + 1] + 0.114 * data[p + 2];
  for (let i = 0; i < n; i++)
    for (let c = 0; c < channels; c++) x[c * n + i] = (channels > 1 ? data[4 * i + c] : grey(4 * i)) / 127.5 - 1;
  picture.getContext("2d").putImageData(paint(draw(net, x), net.to), 0, 0);
}
const remember = () => (before = [...before.slice(-30), pen.getImageData(0, 0, paper.width, paper.height)]);
const clear = () => (Object.assign(pen, { fillStyle: "#fff" }).fillRect(0, 0, paper.width, paper.height), show());
function fill(source, w, h) { // the middle of a picture, as large as the paper; transparent places are white
  const times = Math.max(paper.width / w, paper.height / h);
  clear(), pen.drawImage(source, (paper.width - w * times) / 2, (paper.height - h * times) / 2, w * times, h * times);
}

function placeOf({ clientX, clientY }) {
  const box = paper.getBoundingClientRect();
  return [((clientX - box.x) / box.width) * paper.width, ((clientY - box.y) / box.height) * paper.height];
}
paper.onpointerdown = (event) => {
  stopCamera(), remember(), paper.setPointerCapture(event.pointerId);
  pen.beginPath(), pen.moveTo(...placeOf(event)), paper.onpointermove(event);
};
paper.onpointermove = (event) => {
  if (!paper.hasPointerCapture(event.pointerId)) return;
  Object.assign(pen, { lineCap: "round", lineJoin: "round", lineWidth: $("width").value * zoom * (erasing ? 2 : 1) });
  pen.strokeStyle = erasing ? "#fff" : $("colour").value, pen.lineTo(...placeOf(event)), pen.stroke(), show();
};
for (const name of ["pen", "eraser"])
  $(name).onclick = () => {
    erasing = name === "eraser", $("pen").setAttribute("aria-pressed", !erasing), $("eraser").setAttribute("aria-pressed", erasing);
  };
$("undo").onclick = () => (stopCamera(), before.length && pen.putImageData(before.pop(), 0, 0), show());
$("clear").onclick = () => (stopCamera(), remember(), clear());
$("png").onclick = () => savePng(picture);

async function open(file) {
  if (!file) return;
  stopCamera(), remember();
  try {
    const image = await createImageBitmap(file);
    fill(image, image.width, image.height), say("");
  } catch {
    say(`${file.name} is no picture that this browser can open: choose a JPEG or PNG.`);
  }
}
for (const name of ["file", "photo"]) $(name).onchange = () => open($(name).files[0]);
document.body.ondragover = (event) => event.preventDefault();
document.body.ondrop = (event) => (event.preventDefault(), open(event.dataTransfer.files[0]));

$("camera").onclick = async () => {
  if (camera) return stopCamera();
  try {
    camera = video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
    await video.play(), remember(), $("camera").setAttribute("aria-pressed", "true"), film();
    say("The camera's pictures stay in this page.");
  } catch (error) {
    stopCamera(), say(`The browser gives no camera to this page (${error.name}): draw, or choose a picture instead.`);
  }
};
function film() {
  if (camera) fill(video, video.videoWidth, video.videoHeight), requestAnimationFrame(film);
}
function stopCamera() {
  camera?.getTracks().forEach((track) => track.stop()), (camera = null), $("camera").setAttribute("aria-pressed", "false");
}
clear();
