"""Other people's files: is each handled as it should be, in time and memory, and how fast are ordinary photos?

python benchmarks/photos.py speed [PHOTOS [TURNS]]  # one to two minutes, without a network
python benchmarks/photos.py start               # 2,000 pictures, the first and the second time; half a minute
python benchmarks/photos.py large               # pictures of many megapixels: seconds and memory, half a minute
python benchmarks/photos.py few [SEEDS]         # D on known and on unseen pictures, as in notebook 03; some minutes
python benchmarks/photos.py odd FOLDER LABELS   # a folder of odd files and a table: file, expect (load, skip, either)
"""

import csv
import hashlib
import io
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from common import ranges, seeds, write_csv
from PIL import Image

from gans_workshop import known_formats, load_photos
from gans_workshop.files.decoding import SIDE, read_picture

SIZE = (4000, 3000)


def in_a_process(work):
    """Run `work` in a fork: (what it returned as text, processor seconds, MB by which its memory grew)."""
    end, start = os.pipe()
    child = os.fork()
    if child == 0:
        before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        text = work()
        seconds, grown = time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        os.write(start, f"{text}\t{seconds}\t{grown / 1024}".encode())
        os._exit(0)
    os.close(start)
    with os.fdopen(end) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    text, seconds, grown = answer.split("\t") if answer else ("the process died", "inf", "inf")
    return text, float(seconds), float(grown)


def odd(folder, labels):
    """Let each file be read in a process of its own, then the whole folder at once."""
    known_formats()
    Image.MAX_IMAGE_PIXELS = None
    counts, seconds, memory, wrong = Counter(), [], [], []
    with open(labels, encoding="utf-8") as file:
        files = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    for row in files:
        path = Path(folder) / row["file"]
        reason, took, grown = in_a_process(lambda path=path: read_picture(path.read_bytes(), path.name).reason)
        fate = "used" if not reason else "same colour all over" if "same colour" in reason else "left out"
        counts[row["expect"], fate] += 1
        seconds.append(took)
        memory.append(grown)
        if (row["expect"], fate) in {("load", "left out"), ("skip", "used")}:
            wrong.append(row["file"])
            print(f"{row['file']}: {reason or 'used'}")
    rows = []
    for label in ("load", "skip", "either"):
        used, plain, out = (counts[label, fate] for fate in ("used", "same colour all over", "left out"))
        row = {"label": label, "files": used + plain + out, "loaded": used + plain}
        rows.append(row | {"of these the same colour all over": plain, "left out": out})
    write_csv("photos_odd", rows)
    with tempfile.TemporaryDirectory() as cache:
        os.environ["GANS_WORKSHOP_CACHE"] = cache
        _, report = load_photos(folder)
    totals = {
        "files": len(files),
        "slowest, seconds": f"{max(seconds):.2f}",
        "most memory, MB": f"{max(memory):.0f}",
        "against their label": len(wrong),
        "as one folder: found": report.found,
        "as one folder: used": len(report.used),
        "as one folder: left out": len(report.skipped),
    }
    write_csv("photos_odd_totals", [{"what": what, "value": value} for what, value in totals.items()])


def large():
    """Read pictures of many megapixels, each in a process of its own."""
    known_formats()
    Image.MAX_IMAGE_PIXELS = None
    detail = np.random.default_rng(0).integers(0, 256, (1000, 1000, 3), dtype=np.uint8)
    cases = [
        ("JPEG", "RGB", (20000, 14000), {}),
        ("JPEG", "RGB", (8000, 6000), {"progressive": True}),
        ("JPEG", "RGB", (12000, 9000), {"progressive": True}),
        ("PNG", "RGBA", (6600, 6000), {"compress_level": 1}),
        ("PNG", "RGB", (9000, 9000), {"compress_level": 1}),
        ("TIFF", "CMYK", (6600, 6000), {}),
        ("TIFF", "F", (4800, 4800), {}),
        ("WEBP", "RGB", (6000, 5000), {"method": 0}),
        ("AVIF", "RGB", (6600, 6000), {"speed": 10}),
        ("HEIF", "RGB", (6600, 6000), {"quality": 50}),
    ]
    rows = []
    for kind, mode, size, options in cases:
        if kind in known_formats():
            _, data = in_file(detail, kind, mode, size, options)
            verdict, seconds, grown = in_a_process(lambda data=data: read_picture(data, "x").reason or "used")
            name = f"{'progressive ' if 'progressive' in options else ''}{kind}, {mode}"
            row = {"picture": name, "megapixels": f"{size[0] * size[1] / 1e6:.0f}", "seconds": f"{seconds:.2f}"}
            rows.append(row | {"memory, MB": f"{grown:.0f}", "verdict": verdict})
    write_csv("photos_large", rows, keys=2)


def in_file(detail, kind, mode, size, options):
    """Make the file in another process: its memory must not count."""
    with tempfile.NamedTemporaryFile() as file:
        small = Image.fromarray(detail)

        def make():
            image = small.resize(size).convert("RGB" if mode == "F" else mode)
            (image.convert("L").convert("F") if mode == "F" else image).save(file.name, kind, **options)
            return "made"

        made, *_ = in_a_process(make)
        return made, Path(file.name).read_bytes()


def photo(seed, quality=90):
    """Make a 12-megapixel JPEG with shapes of all sizes and some grain, as a phone's photo has them."""
    random = np.random.default_rng(seed)
    whole = np.zeros((SIZE[1], SIZE[0], 3), np.float32)
    for i in range(5):
        layer = random.normal(0, 90 / 2**i, (3, 3 * 4**i, 4 * 4**i)).astype(np.float32)
        for channel in range(3):
            whole[:, :, channel] += np.asarray(Image.fromarray(layer[channel]).resize(SIZE, 3))
    whole += 3 * random.standard_normal(whole.shape[:2], np.float32)[:, :, None]
    buffer = io.BytesIO()
    picture = Image.fromarray((128 + whole).clip(0, 255).astype(np.uint8))
    picture.save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    return buffer.getvalue()


def plainly(path):
    image = Image.open(path).convert("RGB")
    left = (image.width - image.height) // 2
    square = image.crop((left, 0, left + image.height, image.height))
    return np.asarray(square.resize((64, 64), Image.Resampling.BICUBIC), float)


def speed(photos=12, turns=5):
    """Compare `load_photos` on a whole folder, cache and all, with the plain way: processor time of all threads."""
    rows = []
    for quality in (75, 85, 90, 95):
        times, names = {"plain": [], "ours": []}, [f"{i:02}.jpg" for i in range(int(photos))]
        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder) / "cats" / name for name in names]
            files[0].parent.mkdir()
            sizes = [path.write_bytes(photo(seed, quality)) for seed, path in enumerate(files)]
            for turn in range(int(turns)):
                os.environ["GANS_WORKSHOP_CACHE"] = f"{folder}/cache-{turn}"
                start = time.process_time()
                plain = [plainly(path) for path in files]
                middle = time.process_time()
                images, report = load_photos(files[0].parent, image_size=64)
                times["ours"].append((time.process_time() - middle) / len(files))
                times["plain"].append((middle - start) / len(files))
                assert report.used == names
        far = [abs(a - b).mean() for a, b in zip(plain, images.permute(0, 2, 3, 1).numpy().astype(float))]
        a, b = (1000 * statistics.median(times[way]) for way in times)
        row = {"JPEG quality": quality, "photos": len(files), "turns": int(turns)}
        row |= {"MB a file": f"{statistics.median(sizes) / 1e6:.1f}", "plain, ms": f"{a:.0f}", "ours, ms": f"{b:.1f}"}
        row |= ranges("times as fast", [x / y for x, y in zip(times["plain"], times["ours"])])
        rows.append(row | {"mean difference, of 255": f"{statistics.mean(far):.2f}", "at most": f"{max(far):.2f}"})
    write_csv("photos_speed", rows, keys=2)
    write_csv("photos_speed_parts", list(parts([photo(seed) for seed in range(int(photos))], int(turns))))


def parts(contents, turns):
    """Yield what of our time nothing can skip: JPEG's own unpacking, at the size that we ask for, and the checksum."""

    def unpack(data):
        image = Image.open(io.BytesIO(data))
        image.draft(None, (2 * SIDE, 2 * SIDE))
        image.load()

    works = {"JPEG's own unpacking": unpack, "the checksum": lambda data: hashlib.sha1(data).hexdigest()}
    for name, work in works.items():
        times = []
        for data in contents * turns:
            start = time.process_time()
            work(data)
            times.append(time.process_time() - start)
        yield {"part of our time at quality 90": name, "ms": f"{1000 * statistics.median(times):.1f}"}


def second_start():
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GANS_WORKSHOP_CACHE"] = f"{folder}/cache"
        os.mkdir(f"{folder}/cats")
        random = np.random.default_rng(0)
        for i in range(2000):
            small = Image.fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8))
            small.resize((640, 480), 3).save(f"{folder}/cats/{i}.jpg")
        program = "import sys, time; from gans_workshop import load_photos; from PIL import Image\n"
        program += "for size in (32, 64, 128):\n    begun = time.perf_counter()\n"
        program += "    images, _ = load_photos(sys.argv[1], image_size=size)\n"
        program += "    print('\\nseconds', size, len(images), time.perf_counter() - begun)"
        rows = []
        for start in ("first", "second"):
            command = [sys.executable, "-c", program, f"{folder}/cats"]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            for line in said.splitlines():
                if line.startswith("seconds "):
                    _, size, count, seconds = line.split()
                    rows.append({"start": start, "size": size, "pictures": count, "seconds": f"{float(seconds):.2f}"})
        write_csv("photos_start", rows, keys=2)


def few(chosen="42-51"):
    """Train on 60 portraits with and without augmentation: what does D say to these, and to others?"""
    import torch

    from gans_workshop import (
        GAN,
        Discriminator,
        Generator,
        cut_out,
        load_portraits,
        seed_everything,
        shift,
        to_float,
        train,
    )

    images = load_portraits(image_size=32)
    images = images[torch.randperm(len(images), generator=torch.Generator().manual_seed(0))]
    for name, augment in (("none", None), ("moved and cut", lambda images: cut_out(shift(images)))):
        ahead, said_fake, size = [], 0, {"image_size": 32, "channels": 3, "width": 16}
        for seed in seeds(chosen):
            seed_everything(seed)
            gan = GAN(Generator(**size), Discriminator(**size), augment=augment, seed=seed)
            train(gan, images[:60], steps=300, batch_size=60)
            gan.discriminator.eval()
            with torch.no_grad():
                known, unseen = (
                    gan.discriminator(to_float(part)).sigmoid().mean().item() for part in (images[:60], images[60:120])
                )
            print(f"{name}, seed {seed}: D(known) {known:.2f}, D(unseen) {unseen:.2f}", flush=True)
            ahead.append(known - unseen)
            said_fake += max(known, unseen) < 0.01
        row = {"augmentation": name, "seeds": len(ahead)} | ranges("D(known) - D(unseen)", ahead)
        write_csv("photos_few", [row | {"said fake to everything": said_fake}])


if __name__ == "__main__":
    {"speed": speed, "large": large, "few": few, "start": second_start, "odd": odd}[sys.argv[1]](*sys.argv[2:])
