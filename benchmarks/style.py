"""Measure what notebook 11 says of styles: mixtures, the mean face, walks, projections, edits, and how long it takes.

    python benchmarks/style.py                     # all that needs no GPU: a quarter of an hour
    python benchmarks/style.py mixing --seeds 3
    python benchmarks/style.py length              # both networks of tools/train_style.py: hours without a GPU

All but `length` look at the network that comes with the package, by the notebook's own functions. The judge reads the
attributes; where he was the loss himself, a second judge reads, who is trained here on the 5,000 bundled faces.
"""

import sys
from functools import partial

import torch
from common import ROOT, load_notebook, row_of, run_parts, write_csv
from measures import coverage_and_density

from gans_workshop import (
    classify_faces,
    frechet_distance,
    load_face_judge,
    load_faces,
    load_style_network,
    pick_device,
    project,
    seed_everything,
    to_float,
    train,
)
from gans_workshop.view.evaluation import FACE_VALUES

sys.path.append(str(ROOT / "tools"))
LENGTHS = {"style": 7_600, "DCGAN": 21_900}  # rounds that the rates are planned for: a round of the DCGAN is shorter
MARKS = (0.0625, 0.125, 0.25, 0.5, 0.75, 1)  # of all rounds, when `length` judges
FACTORS = (0.5, 0.75, 1, 1.5)
FACES, PAIRS, TARGETS, EDITED, TRUE = 1000, 500, 100, 100, 2000


def notebook(seed):
    """Return the names of notebook 11, with its network, its mean face and its dice at `seed`."""
    seed_everything(seed)
    network = load_style_network()
    names = load_notebook("11", network=network, values=load_faces()[2])
    names["mean"] = network.to_w(torch.randn(5000, network.latent_dim)).mean(0)
    return names


def some_styles(names, count):
    """Draw that many styles, (count, 5, 64)."""
    return names["network"].to_w(torch.randn(count, names["network"].latent_dim))


def draw(names, w):
    """Draw in parts, so that many faces need little memory."""
    return torch.cat([names["network"].draw(part) for part in w.split(250)])


def percent(name):
    """Write shares with two digits."""
    return ".2f"


def mixing(seeds, folder):
    """Count what mixtures have from the coarse face and what from the fine one."""
    runs = [notebook(seed)["follows"](3, PAIRS) for seed in seeds]
    rows = []
    for name in runs[0]:
        shares = [dict(zip(("as coarse", "as fine"), run[name])) for run in runs]
        rows.append(row_of({"attribute": name}, shares, percent))
    write_csv("style_mixing", rows)


def crowd(seeds, folder):
    """Measure how typical and how varied faces are that are pulled towards the mean."""
    real = classify_faces(load_faces()[0][:TRUE])[1]
    runs = {factor: [] for factor in FACTORS}
    for seed in seeds:
        names = notebook(seed)
        w = some_styles(names, FACES)
        for factor, found in runs.items():
            fake = classify_faces(draw(names, names["towards_mean"](w, factor)))[1]
            covered, typical = coverage_and_density(real, fake)
            found.append({"distance": frechet_distance(real, fake), "typical": typical, "covered": covered})
    write_csv("style_mean", [row_of({"factor": factor}, found, percent) for factor, found in runs.items()])


def walks(seeds, folder):
    """Compare how far pictures travel on the way in z and on the way in w."""
    found = []
    for seed in seeds:
        names = notebook(seed)
        times = []
        for pair in torch.randn(PAIRS // 2, 2, names["network"].latent_dim):
            in_z, in_w = map(names["travelled"], names["ways"](*pair))
            times.append(in_z / in_w)
        times = torch.tensor(times)
        found.append({"times as far": times.median().item(), "farther": (times > 1).double().mean().item()})
    write_csv("style_walks", [row_of({"pairs": PAIRS // 2}, found, percent)])


def second_judge():
    """Train another judge of faces than the package's, on the faces that come with it."""
    from train_face_judge import train_judge

    return train_judge(*load_faces()[:2], epochs=3)


def read_by(judge, pictures):
    """Return the attributes (N, 10) that a judge reads."""
    with torch.no_grad():
        answers = torch.cat([judge(part) for part in pictures.split(250)]).split(FACE_VALUES, dim=1)
    return torch.stack([answer.argmax(1) for answer in answers], dim=1)


def projection(seeds, folder):
    """Find test faces by pixels and by what the judge notices, and let two judges read what was found."""
    faces, labels, values = load_faces(test=True)
    target, labels, names = to_float(faces[:TARGETS]), labels[:TARGETS], notebook(0)
    judge, other = load_face_judge(), second_judge()
    start, kept = names["best_try"](target), [i for i, name in enumerate(values) if name != "mouth"]
    options = {"steps": names["SEARCH_STEPS"], "rate": names["RATE"], "pull": 0.001, "centre": names["mean"]}
    losses = {"pixels": names["unlike"], "what the judge notices": names["looks_unlike"](judge[0]), "itself": None}
    rows = []
    for name, loss in losses.items():
        found = project(names["network"].draw, start, target, loss=loss, **options) if loss else None
        pictures = draw(names, found) if loss else target
        row = {"by": name, "faces": TARGETS, "root mean square": f"{(pictures - target).square().mean().sqrt():.3f}"}
        for who, reader in (("the judge", judge), ("a second judge", other)):
            right = (read_by(reader, pictures) == labels).double()
            row |= {who: f"{right.mean():.3f}", f"{who}, without the mouth": f"{right[:, kept].mean():.3f}"}
        rows.append(row)
    write_csv("style_projection", rows)


def edits(seeds, folder):
    """Edit faces of the network, and read what changed along."""
    wanted = {"blond": ("hair_colour", "blond", slice(3, 5)), "dark skin": ("skin", "dark", slice(3, 5))}
    wanted |= {"a bun": ("hair", "bun", slice(0, 3)), "a full beard": ("beard", "full", slice(0, 3))}
    runs = {name: [] for name in wanted}
    for seed in seeds:
        names = notebook(seed)
        many = some_styles(names, names["LABELLED"])
        names |= {"seen": classify_faces(draw(names, many))[0], "one_style": (many - names["mean"])[:, 0]}
        w = some_styles(names, EDITED)
        before = classify_faces(draw(names, w))[0]
        for name, (attribute, value, sizes) in wanted.items():
            place, number = [*names["values"]].index(attribute), names["values"][attribute].index(value)
            others = before[:, place] != number
            after = classify_faces(draw(names, names["edit"](w[others], attribute, value, sizes)))[0]
            reached = after[:, place] == number
            changed = (after != before[others])[reached].double().mean(0).tolist()
            shares = {other: share for other, share in zip(names["values"], changed) if other != attribute}
            row = {"reached": reached.double().mean().item(), "largest of the others": max(shares.values())}
            runs[name].append(row | {other: shares.get(other, float("nan")) for other in names["values"]})
    write_csv("style_edits", [row_of({"edit": name}, found, percent) for name, found in runs.items()])


def length(seeds, folder):
    """Train both networks of the tool, and judge them on the way."""
    import train_style as tool

    faces = load_faces()[0]
    real = classify_faces(faces[:TRUE])[1]
    for player in tool.PLAYERS:
        for seed in seeds[:1]:
            game = tool.make_game(player, pick_device(), seed=seed)
            options = {"batch_size": tool.BATCH_SIZE, "one_round": partial(tool.play_slower, rounds=LENGTHS[player])}
            for mark in MARKS:
                train(game, faces, steps=int(mark * LENGTHS[player]), **options)
                fake = classify_faces(game.sample(TRUE).cpu())[1]  # as many as real ones
                scores = frechet_distance(real, fake), coverage_and_density(real, fake)[0]
                row = {"network": player, "rounds": game.step, "seconds": f"{game.seconds:.0f}"}
                row |= {"distance": f"{scores[0]:.2f}", "covered": f"{scores[1]:.2f}"}
                write_csv("style_length", [row], keys=2)


PARTS = {part.__name__: part for part in (mixing, crowd, walks, projection, edits)}

if __name__ == "__main__":
    every = PARTS | {"length": length}
    run_parts(every if "length" in sys.argv else PARTS, __doc__, ROOT / "trial-runs" / "style")
