"""Play notebook 01's game with 200 seeds and print every range that its prose states.

    python benchmarks/slanted_land.py

All games run at once in arrays of shape (seeds, 4). That is a second copy of the notebook's algorithm, so seed 42 is
first compared with the notebook's own functions, for every setting that is reported.
"""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "01_slanted_land.ipynb"
SEEDS = range(200)
LEAN = np.array([True, False, False, True])
Z = np.linspace(0, 1, 101)  # the criminal must succeed for every z, not for a lucky one


def load_notebook():
    """Run the notebook's cells that are tagged `parameters` or `algorithm` and return what they define."""
    names = {"np": np, "SimpleNamespace": SimpleNamespace}
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if {"parameters", "algorithm"} & set(cell["metadata"].get("tags", [])):
            exec("".join(cell["source"]), names)
    return SimpleNamespace(**names)


def sigmoid(s):
    return 1 / (1 + np.exp(-s))


def new_games(seeds):
    """Draw the players of every seed in the notebook's order: D's weights, D's bias, G's weights, G's biases."""
    dice = [np.random.RandomState(seed) for seed in seeds]
    drawn = [(d.normal(size=4), d.normal(), d.normal(size=4), d.normal(size=4)) for d in dice]
    w, b, v, c = (np.array(numbers) for numbers in zip(*drawn, strict=True))
    return SimpleNamespace(dice=dice, w=w, b=b[:, None], v=v, c=c)


def opinion(games, x):
    return sigmoid((games.w * x).sum(1, keepdims=True) + games.b)


def forge(games, z):
    return sigmoid(games.v * z + games.c)


def play_games(games, faces, rounds, *, rate=0.01, d_turns=1, g_turns=1):
    """Play on; return D(x) and D(G(z)) after every step, each (steps, seeds)."""
    dice = np.stack([d.rand(rounds * len(faces)) for d in games.dice], axis=1)
    real, fake = [], []
    for step, z in enumerate(dice[:, :, None]):
        x, forged = faces[step % len(faces)], forge(games, z)
        for _ in range(d_turns):
            for picture, want in ((x, 1), (forged, 0)):
                miss = opinion(games, picture) - want
                games.w, games.b = games.w - rate * miss * picture, games.b - rate * miss
        for _ in range(g_turns):
            x_fake = forge(games, z)
            slope = -(1 - opinion(games, x_fake)) * games.w * x_fake * (1 - x_fake)
            games.v, games.c = games.v - rate * slope * z, games.c - rate * slope
        real.append(opinion(games, x)[:, 0])
        fake.append(opinion(games, forge(games, z))[:, 0])
    return np.array(real), np.array(fake)


def compare_with_notebook(notebook, faces, rounds, **setting):
    """Stop unless seed 42 ends with the notebook's own weights."""
    D, G = notebook.new_players()
    notebook.play(D, G, faces, rounds, **setting)
    games = new_games([notebook.SEED])
    play_games(games, faces, rounds, **setting)
    for mine, theirs in ((games.w, D.weights), (games.b, D.bias), (games.v, G.weights), (games.c, G.biases)):
        np.testing.assert_allclose(mine[0], theirs, atol=1e-6)


def span(values):
    return f"{np.min(values):.3f} to {np.max(values):.3f}, median {np.median(values):.3f}"


def fakes_for_all_z(games):
    return np.stack([forge(games, z) for z in Z])  # (z, seeds, 4)


def movement(games):
    return np.ptp(fakes_for_all_z(games), axis=0).mean(1)


def lean_count(fakes, lean=LEAN):
    return int(((fakes > 0.5) == lean).all(axis=(0, 2)).sum())


def report(title, faces, rounds, notebook, *, lean=LEAN, **setting):
    """Play one setting with all seeds and print its rows."""
    with np.errstate(over="ignore", divide="ignore"):  # the broken setting overflows on its way
        compare_with_notebook(notebook, faces, rounds, **setting)
        games = new_games(SEEDS)
        before = movement(games)
        real, fake = (opinions[-len(opinions) // 10 :] for opinions in play_games(games, faces, rounds, **setting))
        d_error, g_error = (-np.log(real) - np.log(1 - fake)).mean(0), -np.log(fake).mean(0)
    fakes, middle = fakes_for_all_z(games), forge(games, 0.5)
    either = (((fakes > 0.5) == lean).all(2) | ((fakes > 0.5) == ~lean).all(2)).all(0).sum()
    rows = {
        "leans for every z": f"{lean_count(fakes, lean)} of {len(SEEDS)}",
        "one diagonal or the other for every z": f"{either} of {len(SEEDS)}",
        "detective's error, last tenth": span(d_error),
        "criminal's error, last tenth": span(g_error),
        "D(x), last tenth": span(real.mean(0)),
        "D(G(z)), last tenth": span(fake.mean(0)),
        "fakes score higher than faces": f"{(fake.mean(0) > real.mean(0)).sum()} of {len(SEEDS)}",
        "D(G(z)) below 0.01": f"{(fake.mean(0) < 0.01).sum()} of {len(SEEDS)}",
        "dark pixels of G(0.5)": span(middle[:, lean]),
        "light pixels of G(0.5)": span(middle[:, ~lean]),
        "movement of a pixel, newborn": span(before),
        "movement of a pixel, trained": span(movement(games)),
        "movement shrank": f"{(movement(games) < before).sum()} of {len(SEEDS)}",
        "movement below the faces' 0.2": f"{(movement(games) < 0.2).sum()} of {len(SEEDS)}",
        "D's signs show the face": f"{((games.w > 0) == lean).all(1).sum()} of {len(SEEDS)}",
    }
    print(f"\n| {title} | |\n|---|---|")
    print("\n".join(f"| {name} | {value} |" for name, value in rows.items()))


def report_slow_motion(faces, rounds):
    """Let only one player learn at a time and count what that does to both errors."""
    games = new_games(SEEDS)

    def errors():
        fake = opinion(games, forge(games, 0.5))
        d_error = np.mean([-np.log(opinion(games, face)) for face in faces], axis=0) - np.log(1 - fake)
        return {"D": d_error[:, 0], "G": -np.log(fake)[:, 0]}

    print("\n| slow motion | the learner's error fell | the other's error rose |\n|---|---|---|")
    for turn, (learner, other) in enumerate([("D", "G"), ("G", "D")] * 2, start=1):
        before = errors()
        play_games(games, faces, rounds, d_turns=int(learner == "D"), g_turns=int(learner == "G"))
        fell, rose = errors()[learner] < before[learner], errors()[other] > before[other]
        print(f"| turn {turn}, {rounds} rounds, only {learner} learns | {fell.sum()} | {rose.sum()} |")


def main():
    notebook = load_notebook()
    faces, rounds = notebook.FACES, notebook.ROUNDS
    mirrored = faces[:, [1, 0, 3, 2]]
    report("as in the notebook", faces, rounds, notebook)
    report("three times the rounds", faces, 3 * rounds, notebook)
    report("the other diagonal", mirrored, rounds, notebook, lean=~LEAN)
    for rate in (0.001, 0.1, 1, 8):
        report(f"learning rate {rate}", faces, rounds, notebook, rate=rate)
    report("ten turns for the detective", faces, rounds, notebook, d_turns=10)
    report("both peoples", np.concatenate([faces, mirrored]), rounds, notebook)
    report_slow_motion(faces, notebook.ROUNDS_PER_TURN)


if __name__ == "__main__":
    main()
