"""Which z draws this picture? The numbers of notebook 10, on GANs as it trains them and digits that they never saw.

    python benchmarks/projection.py --seeds 3                # all parts, 3 GANs: about a quarter of an hour
    python benchmarks/projection.py digits --seeds 3         # one part: own, digits, pulls or rates

`gap` is the root of the mean squared difference of the pixels, in [-1, 1]; `same digit` what the packaged judge reads,
which had no part in the search; `this one` says how often the target is the nearest of 10,000 digits (the 2,000 of the
test and 8,000 of the training), by pixels or by the judge's features.
"""

import time

import torch
from common import load_notebook, row_of, run_parts, write_csv

from gans_workshop import (
    GAN,
    Discriminator,
    Generator,
    classify_digits,
    load_digits,
    nearest_images,
    seed_everything,
    to_float,
    train,
    workshop_folder,
)

COUNT = 200  # unseen test digits
KNOWN = 8000  # training digits among those that could be the nearest


class Page:
    """The functions of the notebook, the GAN of a seed, and how what was found is scored."""

    def __init__(self, seed, folder):
        self.digits, self.labels = load_digits()
        test_digits, test_labels = load_digits(test=True)
        self.book = load_notebook("10")
        seed_everything(seed)
        gan = GAN(Generator(), Discriminator(), d_lr=0.003, g_lr=0.003, seed=seed)
        train(gan, self.digits, steps=self.book["ROUNDS"], batch_size=64, checkpoint=folder / f"gan-{seed}")
        self.generator = self.book["generator"] = gan.average_generator.eval().requires_grad_(False)
        self.targets, self.truth = to_float(test_digits[:COUNT]), test_labels[:COUNT]
        self.aside = self.book["moved"](self.targets, -4)
        self.crowd = torch.cat([test_digits, self.digits[:KNOWN]])
        self.seed = seed

    def find(self, targets, look, **options):
        """Return z, and the seconds on one thread."""
        seed_everything(self.seed)
        start = time.process_time()
        return self.book["find"](targets, look, **options), time.process_time() - start

    @torch.no_grad()
    def scores(self, z):
        """Return the numbers of what was found, by name."""
        drawn, places = self.generator(z), torch.arange(len(z))
        read, features = classify_digits(drawn)
        by_pixels = nearest_images(drawn, self.crowd)[1]
        by_features = torch.cdist(features, self.features).argmin(1)
        gaps = (drawn - self.targets[: len(z)]).square().flatten(1).mean(1).sqrt()
        return {
            "same digit, %": share(read == self.truth[: len(z)]),
            "this one by pixels, %": share(by_pixels == places),
            "this one by features, %": share(by_features == places),
            "gap": gaps.mean().item(),
            "length of z": z.norm(dim=1).mean().item(),
        }

    @property
    def features(self):
        if not hasattr(self, "_features"):
            self._features = classify_digits(self.crowd)[1]
        return self._features


def share(right):
    return 100 * right.double().mean().item()


def form(name):
    return ".3f" if name.startswith("gap") and "%" not in name else ".1f"


def own(numbers, folder):
    """Look for 50 pictures that G drew: what the search can reach at best."""
    rows = {}
    for seed in numbers:
        page = Page(seed, folder)
        seed_everything(seed)
        targets, loss = page.book["own_pictures"](50), page.book["loss_of"](page.book["pixels"])
        start = page.book["best_try"](targets, page.book["pixels"])
        rate, steps, pull = (page.book[name] for name in ("RATE", "SEARCH_STEPS", "PULL"))
        plans = {"best try": None, "found": (rate, steps), "longer": (3 * rate, 2 * steps)}
        for name, plan in plans.items():
            z, begun = start, time.process_time()
            if plan:
                options = {"rate": plan[0], "steps": plan[1], "pull": pull, "loss": loss}
                z = page.book["project"](page.generator, start, targets, **options)
            gaps = loss(page.generator(z), targets).sqrt()
            found = {"gap": gaps.mean().item(), "gap, the worst": gaps.max().item()}
            found |= {"gap up to 0.05, %": share(gaps <= 0.05), "CPU seconds": time.process_time() - begun}
            rows.setdefault(name, []).append(found)
            print(f"seed {seed}, {name}: {found}", flush=True)
    write_csv("projection_own", [row_of({"search": name}, runs, form) for name, runs in rows.items()])


def digits(numbers, folder):
    """Look for test digits by pixels, by an eye and by its untrained twin, as they are and moved."""
    rows = {}
    for seed in numbers:
        page = Page(seed, folder)
        book = page.book
        seed_everything(seed)
        eye, twin = book["make_eye"](), book["make_eye"]()
        book["teach"](eye, page.digits, page.labels)
        features = {"eye": eye, "twin": twin}
        looks = {name: book["features_of"](network, page.digits) for name, network in features.items()}
        looks = {"pixels": book["pixels"]} | looks
        cases = [(name, where) for name in looks for where in ("as they are", "moved")]
        cases = [*cases[:2], ("pixels", "moved and centred"), ("list", "as they are"), *cases[2:]]
        for name, where in cases:
            targets = page.targets if where == "as they are" else page.aside
            targets = book["centred"](targets) if "centred" in where else targets
            if name == "list":  # no GAN: the nearest training digit
                nearest = to_float(page.digits[nearest_images(targets, page.digits)[1]])
                read = classify_digits(nearest)[0]
                gaps = (nearest - targets).square().flatten(1).mean(1).sqrt()
                found = {"same digit, %": share(read == page.truth), "gap": gaps.mean().item()}
            else:
                z, seconds = page.find(targets, looks[name])
                found = page.scores(z) | {"CPU seconds": seconds}
            rows.setdefault((name, where), []).append(found)
            print(f"seed {seed}, {name}, {where}: {found}", flush=True)
    table = [row_of({"compared": name, "targets": where}, runs, form) for (name, where), runs in rows.items()]
    write_csv("projection_digits", table, keys=2)


def pulls(numbers, folder):
    """Look for moved digits by pixels at three times the rate, with weaker and stronger pulls."""
    rows = {}
    for seed in numbers:
        page = Page(seed, folder)
        for pull in (0, 0.01, 0.1, 1):
            z, _ = page.find(page.aside[:50], page.book["pixels"], pull=pull, rate=0.3)
            rows.setdefault(pull, []).append(page.scores(z))
            print(f"seed {seed}, pull {pull}: {rows[pull][-1]}", flush=True)
    write_csv("projection_pulls", [row_of({"pull": pull}, runs, form) for pull, runs in rows.items()])


def rates(numbers, folder):
    """Look for digits by pixels at other rates: Break it."""
    rows = {}
    for seed in numbers:
        page = Page(seed, folder)
        for rate in (0.1, 100):
            z, _ = page.find(page.targets[:50], page.book["pixels"], rate=rate)
            rows.setdefault(rate, []).append(page.scores(z))
            print(f"seed {seed}, rate {rate}: {rows[rate][-1]}", flush=True)
    write_csv("projection_rates", [row_of({"rate": rate}, runs, form) for rate, runs in rows.items()])


PARTS = {"own": own, "digits": digits, "pulls": pulls, "rates": rates}


if __name__ == "__main__":
    run_parts(PARTS, __doc__, workshop_folder() / "projection")
