"""Train notebook 03 on small sets of photos, paintings and drawings, and keep the strips that its page shows.

python benchmarks/own_pictures.py                             # fetches 350 MB; six trainings on one thread, in rounds
python benchmarks/own_pictures.py --kinds photos --sizes 32 --steps 4000
python benchmarks/own_pictures.py --page                      # puts the strips into the notebook
python benchmarks/own_pictures.py --order 3                   # what comes first: the film of the portraits, three seeds

It needs Debian's `apt-get` and `dpkg-deb`; they unpack the packages into the cache, nothing is installed.
Each strip has eight pictures of the set above, and eight fakes of the first eight z below: nothing is picked by hand.
"""

import argparse
import base64
import json
import random
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import torch
from common import RESULTS, ROOT, load_notebook, ranges, read_csv, write_csv
from PIL import Image

from gans_workshop import (
    contact_sheet,
    load_photos,
    load_portraits,
    nearest_images,
    save_contact_sheet,
    seed_everything,
    to_float,
    train,
)
from gans_workshop.files.workspace import cache_folder

COUNT, SHOWN, SIDE = 150, 8, 64  # pictures to learn from, pictures in a row, pixels of each in the strip
ROUNDS = (25, 50, 100, 150, 200, 300, 400, 600, 800, 1200, 1600)  # of the film of the portraits

HEAD = """### What to expect of some 150 pictures

Small sets that others have made, learned with the networks of this page; 3,300 rounds took four minutes on two cores.
Above are eight of the pictures, below eight fakes; nothing was chosen by hand.
Expect colours, shapes and a mood; at 64 pixels a round takes about four times as long, and no strip was made yet."""


class Kind(NamedTuple):
    """Where the pictures of a set come from, which folders and files of it are something else, and its licence."""

    package: str
    folder: str
    leave_out: tuple
    licence: str


KINDS = {
    "photos": Kind(
        "tuxpaint-stamps-default",
        "usr/share/tuxpaint/stamps/animals",  # animals, each cut out of a photo
        ("cartoon", "toys", "dinosaur"),
        "Tux Paint stamps, GPL-2",
    ),
    "paintings": Kind(
        "wesnoth-1.16-data",
        "usr/share/games/wesnoth/1.16/data/core/images/portraits",  # people and other two-legged beings
        ("monsters", "wolves", "woses"),
        "portraits of Battle for Wesnoth, GPL-2 or later",
    ),
    "drawings": Kind(
        "openclipart-png",
        "usr/share/openclipart/png/animals",
        ("2_dead_frogs", "lucchetto", "flag", "fantasy", "tatoo"),  # a broken export, padlocks, flags
        "Open Clip Art Library, public domain",
    ),
}


def unpack(package):
    """Return the folder with the unpacked files of a Debian package; it is fetched where it is missing."""
    target = cache_folder() / "debian" / package
    if not target.exists():
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["apt-get", "download", package], cwd=folder, check=True)
            (archive,) = Path(folder).glob("*.deb")
            subprocess.run(["dpkg-deb", "-x", archive, Path(folder) / "files"], check=True)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(Path(folder) / "files", target)
    return target


def load(kind, size):
    """Load the pictures as notebook 03 does, from a folder of copies."""
    files = sorted((unpack(kind.package) / kind.folder).rglob("*.png"))
    files = [file for file in files if not any(word in str(file) for word in kind.leave_out)]
    random.Random(0).shuffle(files)
    with tempfile.TemporaryDirectory() as folder:
        for number, file in enumerate(files[: COUNT + 20]):  # some are there twice, or damaged
            shutil.copy(file, Path(folder) / f"{number:03}.png")
        images, report = load_photos(folder, image_size=size)
    print(report)
    return images[:COUNT]


def save_strip(path, real, fake):
    """Save the real row above the fake row, in few colours, so that the page stays small."""
    sheet = Image.fromarray(contact_sheet(torch.cat([real, fake]), columns=SHOWN))
    factor = SIDE // real.shape[-1]
    sheet = sheet.resize((sheet.width * factor, sheet.height * factor), Image.Resampling.NEAREST)
    sheet.quantize(96, dither=Image.Dither.NONE).save(path, optimize=True)


def learn(name, size, steps, folder):
    """Train on one set in one size; save its strip and return a row. What `folder` has of it is gone on with."""
    images = load(KINDS[name], size)
    page = load_notebook("03", images=images)
    gan = page["make_gan"](page["change"])
    if folder:
        folder = folder / f"{name}-{size}"
    train(gan, images, steps=steps, batch_size=page["BATCH_SIZE"], checkpoint=folder)
    seed_everything(0)
    real = to_float(images[torch.randperm(len(images))[:SHOWN]])
    save_strip(RESULTS / f"own-pictures-{name}-{size}.png", real, gan.preview()[:SHOWN].cpu())
    row = {"kind": name, "size": size, "pictures": len(images), "rounds": gan.step}
    return row | {"from": f"{KINDS[name].package}: {KINDS[name].licence}"}


def order(count):
    """Save what the same four z were after each of ROUNDS, for `count` seeds: what comes first, and what last?

    The last fakes are compared as in section 5: how many times as far are they from a real picture as real ones?
    """
    images, rows, times = load_portraits(image_size=32), [], []
    for seed in range(count):
        page = load_notebook("03", images=images)
        page["SEED"] = seed
        gan, frames = page["make_gan"](page["change"]), []
        for rounds in ROUNDS:
            train(gan, images, steps=rounds, batch_size=page["BATCH_SIZE"])
            frames.append(gan.preview()[:4].cpu())
        rows.append(torch.stack(frames, 1).flatten(0, 1))
        mixed = images[torch.randperm(len(images))]
        among_real, _ = nearest_images(mixed[: len(mixed) // 2], mixed[len(mixed) // 2 :])
        differences, _ = nearest_images(gan.sample(200), images)
        times.append(differences.median().item() / among_real.median().item())
    save_contact_sheet(RESULTS / "portraits-by-round.png", torch.cat(rows), columns=len(ROUNDS))
    row = {"pictures": "portraits", "size": 32, "rounds": ROUNDS[-1], "seeds": count}
    write_csv("own_pictures_copied", [row | ranges("times as far as real ones", times, ".1f")])


def put_on_page():
    """Write the strips, with what CSV and KINDS know of them, into the cell `s2-strips` of notebook 03, made if new."""
    (path,) = (ROOT / "notebooks").glob("03_*.ipynb")
    book = json.loads(path.read_text(encoding="utf-8"))
    strips, pictures, sources = [], [], []
    for row in read_csv("own_pictures"):
        name = f"{row['kind']}-{row['size']}"
        data = base64.b64encode((RESULTS / f"own-pictures-{name}.png").read_bytes()).decode()
        alt = f"Two rows of eight pictures of {row['size']} pixels: above {row['kind']}, below what the GAN drew"
        label = f"**{row['pictures']} {row['kind']}, {row['size']} pixels, after {int(row['rounds']):,} rounds**"
        strips.append(f"{label}\n\n![{alt}][{name}]")
        pictures.append(f"[{name}]: data:image/png;base64,{data}")
        sources.append(f"{row['kind']}: {KINDS[row['kind']].licence}")
    sources = "; ".join(dict.fromkeys(sources))
    text = "\n\n".join([HEAD, *strips, f"({sources}.)", "\n".join(pictures)])
    cell = {"cell_type": "markdown", "id": "s2-strips", "metadata": {}, "source": text.splitlines(keepends=True)}
    cells = [old for old in book["cells"] if old["id"] != cell["id"]]
    place = 1 + [old["id"] for old in cells].index("s2-saw")
    book["cells"] = [*cells[:place], cell, *cells[place:]]
    path.write_text(json.dumps(book, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{sum(map(len, pictures)):,} bytes")


def main():
    """Run the trainings that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--sizes", nargs="+", type=int, default=[32, 64])
    parser.add_argument("--steps", type=int, default=1000, help="rounds of each training")
    parser.add_argument("--folder", type=Path, help="for checkpoints: a training that was stopped goes on there")
    parser.add_argument("--page", action="store_true", help="put the strips into the notebook, and nothing else")
    parser.add_argument("--order", type=int, help="seeds of the film of the portraits, instead of the small sets")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.page:
        return put_on_page()
    if options.order:
        return order(options.order)
    for size in options.sizes:
        for name in options.kinds:
            write_csv("own_pictures", [learn(name, size, options.steps, options.folder)], keys=2)


if __name__ == "__main__":
    main()
