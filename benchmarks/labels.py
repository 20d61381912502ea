"""How well does a GAN draw what it is asked for? Notebook 07 over seeds.

python benchmarks/labels.py judge                        # trains the second judge: a minute
python benchmarks/labels.py digits --seeds 100-104       # a quarter of an hour; goes on where it stopped
python benchmarks/labels.py ways --seeds 100-104         # three ways to tell D: four minutes
python benchmarks/labels.py truncation --seeds 100-104   # after digits: two minutes
python benchmarks/labels.py faces --seeds 100-102        # several labels at once: five minutes

Trained GANs stay in the cache, so that another question need not train again. Rounds count, not minutes: a busy machine
does no harm. The second judge is another network, trained apart on all of MNIST with other shifts.
"""

import argparse
import functools
import statistics

import torch
import torch.nn.functional as F
from common import load_all_digits, load_notebook, ranges, read_csv, row_of, seeds, write_csv
from measures import Judge, coverage_and_density
from torch import nn

from gans_workshop import (
    GAN,
    Discriminator,
    Generator,
    classify_digits,
    classify_faces,
    frechet_distance,
    load_digits,
    load_faces,
    seed_everything,
    to_float,
    train,
)
from gans_workshop.files.datasets import is_left_out
from gans_workshop.files.workspace import cache_folder

PAGE = load_notebook("07")  # its three detectives, and its rounds
MARKS = (1250, PAGE["ROUNDS"])  # the first as in digits_by_rounds.csv
FACTORS = (0.3, 0.5, 0.7, 1.0, 1.3)
UNCONDITIONAL = "ours, 10,000 bundled digits"
ASKED = torch.arange(10_000) % 10


# The second judge


def make_second_judge():
    """Make a judge of another build: large windows, no pooling, batch norm and dropout: (N, 1, 28, 28) -> (N, 10)."""
    layers = []
    for before, after in ((1, 24), (24, 48)):
        layers += [nn.Conv2d(before, after, 5, stride=2, padding=2), nn.BatchNorm2d(after), nn.LeakyReLU(0.1)]
    layers += [nn.Flatten(), nn.Dropout(0.3), nn.Linear(48 * 7 * 7, 128), nn.LeakyReLU(0.1), nn.Linear(128, 10)]
    return nn.Sequential(*layers)


def jitter(images):
    """Move each picture by up to 3 pixels and add faint noise."""
    padded = F.pad(to_float(images), (3,) * 4, value=-1)
    moves = torch.randint(7, (len(images), 2)).tolist()
    moved = torch.stack([one[:, y : y + 28, x : x + 28] for one, (y, x) in zip(padded, moves)])
    return moved + 0.1 * torch.randn(moved.shape)


@functools.cache
@torch.enable_grad()
def second_judge():
    """Train it once on all of MNIST, keep it in the cache, and return it."""
    path, judge = cache_folder() / "second-judge.pt", make_second_judge()
    if path.exists():
        judge.load_state_dict(torch.load(path))
        return judge.eval()
    seed_everything(7)
    images, labels = load_all_digits()
    optimizer = torch.optim.Adam(judge.parameters(), lr=2e-3)
    turns = [part for _ in range(2) for part in torch.randperm(len(images)).split(200)]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=len(turns))
    for part in turns:
        loss = F.cross_entropy(judge(jitter(images[part])), labels[part])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    torch.save(judge.state_dict(), path)
    return judge.eval()


@torch.no_grad()
def second_opinion(images):
    """Let the second judge name the digits of pictures, (N,)."""
    return torch.cat([second_judge()(part).argmax(1) for part in to_float(images).split(500)])


def judges(_):
    """Write how good both judges are on the 10,000 test digits."""
    images, labels = load_all_digits(test=True)
    names = {"of the package": classify_digits(images)[0], "second": second_opinion(images)}
    right = {name: f"{100 * (found == labels).double().mean():.2f}" for name, found in names.items()}
    write_csv("labels_judges", [{"judge": name, "right, %": number} for name, number in right.items()])


# Digits


def trained(kind, seed, rounds, make, data, **options):
    """Train a GAN up to `rounds`, or take what is kept, and return it."""
    path = cache_folder() / f"labels-{kind}-{seed}-{rounds}.pt"
    gan = make(seed)
    if path.exists():
        gan.load_state_dict(torch.load(path))
        return gan
    earlier = [int(old.stem.rpartition("-")[2]) for old in cache_folder().glob(f"labels-{kind}-{seed}-*.pt")]
    for mark in sorted(mark for mark in earlier if mark < rounds)[-1:]:
        gan.load_state_dict(torch.load(path.with_name(f"labels-{kind}-{seed}-{mark}.pt")))
    train(gan, data[0], conditions=data[1], steps=rounds, **options)
    torch.save(gan.state_dict(), path)
    return gan


def digits_gan(seed, detective=Discriminator):
    """Make the GAN of the page, or one with another way to tell D."""
    seed_everything(seed)
    rate = PAGE["LEARNING_RATE"]
    d = detective(classes=10) if detective is Discriminator else detective()
    return GAN(Generator(classes=10), d, d_lr=rate, g_lr=rate, seed=seed)


def draw(gan, factor=1.0):
    """Draw 1,000 of each digit."""
    seed_everything(0)
    return gan.sample(factor * torch.randn(len(ASKED), gan.generator.latent_dim), ASKED)


def score(images, judge):
    """Judge 10,000 pictures, 1,000 of each digit: what was asked, by both judges; distance, per digit, coverage."""
    found, features = classify_digits(images)
    right = (found == ASKED).double()
    each = [frechet_distance(judge.real[judge.test_labels == digit], features[digit == ASKED]) for digit in range(10)]
    return {
        "asked digit, %": 100 * right.mean().item(),
        "by the second judge, %": 100 * (second_opinion(images) == ASKED).double().mean().item(),
        "worst digit, %": 100 * min(right[digit == ASKED].mean().item() for digit in range(10)),
        "per digit": statistics.mean(each),
    } | {key: value for key, value in judge.score(images).items() if key != "digits"}


def form(name):
    return ".1f" if "%" in name else ".2f"


def digits(options):
    """Train the GAN of the page and write how well it obeys, beside the GAN without labels of RESULTS.md."""
    judge, data, rows = Judge(), load_digits(), []
    for mark in MARKS:
        runs = []
        for seed in options.seeds:
            gan = trained("digits", seed, mark, digits_gan, data)
            runs.append(score(draw(gan), judge))
            print(mark, seed, {name: round(value, 2) for name, value in runs[-1].items()}, flush=True)
        rows.append(row_of({"GAN": "with labels", "rounds": mark}, runs, form))
        for old in read_csv("digits_by_rounds"):
            if old["recipe"] == UNCONDITIONAL and int(old["rounds"]) == mark:
                row = {"GAN": "without labels (digits_by_rounds.csv)", "rounds": mark, "seeds": old["seeds"]}
                row |= {f"distance.{which}": old[f"distance.{which}"] for which in ("min", "median", "max")}
                rows.append(
                    row | dict.fromkeys(("coverage.min", "coverage.max"), "") | {"coverage.median": old["coverage"]}
                )
    write_csv("labels_digits", rows, keys=2)


def ways(options):
    """Let each of the page's three detectives learn as long as on the page; write how well G obeys."""
    data, rows = load_digits(), []
    for name in ("Beside", "Maps", "Projection"):
        runs = []
        for seed in options.seeds:
            make = functools.partial(digits_gan, detective=PAGE[name])
            gan = trained(name, seed, PAGE["SHORT_STEPS"], make, data)
            right = (classify_digits(draw(gan))[0] == ASKED).double()
            runs.append({"asked digit, %": 100 * right.mean().item()})
        rows.append(row_of({"way": name, "rounds": PAGE["SHORT_STEPS"]}, runs, form))
    write_csv("labels_ways", rows, keys=2)


def redrawn(count, size, limit):
    """Draw z whose numbers beyond `limit` were drawn again until they lay inside."""
    return nn.init.trunc_normal_(torch.empty(count, size), a=-limit, b=limit)


def truncation(options):
    """Write accuracy, density and coverage over the factor, for z made shorter and for z drawn again."""
    judge, rows = Judge(), []
    for how in ("shorter", "drawn again"):
        for factor in FACTORS:
            runs = []
            for seed in options.seeds:
                gan = trained("digits", seed, PAGE["ROUNDS"], digits_gan, load_digits())
                seed_everything(0)
                z = factor * torch.randn(2000, 64) if how == "shorter" else redrawn(2000, 64, factor)
                found, features = classify_digits(gan.sample(z, ASKED[:2000]))
                coverage, density = coverage_and_density(judge.real[:2000], features)
                right = 100 * (found == ASKED[:2000]).double().mean().item()
                runs.append({"asked digit, %": right, "density": density, "coverage": coverage})
            rows.append(row_of({"z": how, "factor or limit": factor}, runs, form))
    write_csv("labels_truncation", rows, keys=2)


# Faces


def faces_gan(seed):
    """Make the GAN of the page for faces with several attributes."""
    seed_everything(seed)
    classes = tuple(PAGE["counts_of"](load_faces(attributes=PAGE["ATTRIBUTES"])[2]))
    shape = {"image_size": 32, "channels": 3, "classes": classes}
    players = Generator(**shape, latent_dim=PAGE["FACE_LATENT_DIM"]), Discriminator(**shape)
    return GAN(*players, d_lr=PAGE["FACE_RATE"], g_lr=PAGE["FACE_RATE"], betas=(0.5, 0.99), seed=seed)


def faces(options):
    """Write which part of the asked attributes the judge of faces finds, also of combinations that no face had."""
    images, labels, values = load_faces(attributes=PAGE["ATTRIBUTES"], image_size=32)
    everything, columns = load_faces(test=True), list(load_faces()[2])
    unseen = everything[1][is_left_out(everything[1])]
    known = load_faces()[1][:500]
    where, rows = [columns.index(name) for name in values], []
    for mark in options.rounds or [PAGE["FACE_ROUNDS"]]:
        runs = []
        for seed in options.seeds:
            gan = trained("faces", seed, mark, faces_gan, (images, labels), batch_size=PAGE["FACE_BATCH"])
            run = {}
            for kind, table in (("", known), ("unseen: ", unseen)):
                seed_everything(0)
                wanted = table[:, where]
                right = classify_faces(gan.sample(len(wanted), wanted))[0][:, where] == wanted
                run |= {f"{kind}{name}, %": 100 * part.item() for name, part in zip(values, right.double().mean(0))}
                first = [i for i, name in enumerate(values) if name in columns[:4]]
                run[f"{kind}all four, %"] = 100 * right[:, first].all(1).double().mean().item()
            runs.append(run)
            print(mark, seed, {name: round(value, 1) for name, value in run.items()}, flush=True)
        rows += [
            {"rounds": mark, "what": name, "seeds": len(runs)} | ranges("right, %", [run[name] for run in runs], ".1f")
            for name in runs[0]
        ]
    write_csv("labels_faces", rows, keys=2)


def main():
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = {"judge": judges, "digits": digits, "ways": ways, "truncation": truncation, "faces": faces}
    parser.add_argument("what", choices=known)
    parser.add_argument("--seeds", type=seeds, default=range(100, 105))
    parser.add_argument("--rounds", type=int, nargs="+", help="of faces, instead of the page's")
    options = parser.parse_args()
    torch.set_num_threads(1)
    known[options.what](options)


if __name__ == "__main__":
    main()
