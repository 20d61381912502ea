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
EXPLANATION = f"""\
{len(SEEDS)} seeds. Counts are seeds; ranges are smallest to largest (median). Errors and opinions are means
over the last tenth of the training. *leans*: both diagonal pixels above 0.5 and both others below, for every
one of 101 values of z in [0, 1]; *either way*: for every z this diagonal or the other. *dark* and *light
pixels*: of G(0.5). *movement*: how far a pixel moves while z goes from 0 to 1, mean of four pixels (real faces:
0.2 from face to face). *D's signs*: its weights are positive exactly where faces are dark.
"""
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
    return f"{np.min(values):.2f} to {np.max(values):.2f} ({np.median(values):.2f})"


def fakes_for_all_z(games):
    return np.stack([forge(games, z) for z in Z])  # (z, seeds, 4)


def movement(games):
    return np.ptp(fakes_for_all_z(games), axis=0).mean(1)


def lean_count(fakes, lean=LEAN):
    return int(((fakes > 0.5) == lean).all(axis=(0, 2)).sum())


def report(title, faces, rounds, notebook, *, lean=LEAN, **setting):
    """Play one setting with all seeds and return its row, {column: value}."""
    with np.errstate(over="ignore", divide="ignore"):  # the broken setting overflows on its way
        compare_with_notebook(notebook, faces, rounds, **setting)
        games = new_games(SEEDS)
        before = movement(games)
        real, fake = (opinions[-len(opinions) // 10 :] for opinions in play_games(games, faces, rounds, **setting))
        d_error, g_error = (-np.log(real) - np.log(1 - fake)).mean(0), -np.log(fake).mean(0)
    fakes, middle, after = fakes_for_all_z(games), forge(games, 0.5), movement(games)
    either = (((fakes > 0.5) == lean).all(2) | ((fakes > 0.5) == ~lean).all(2)).all(0)
    return {
        "setting": title,
        "leans": lean_count(fakes, lean),
        "either way": either.sum(),
        "D's error": span(d_error),
        "G's error": span(g_error),
        "D(x)": span(real.mean(0)),
        "D(G(z))": span(fake.mean(0)),
        "D(G(z)) < 0.01": (fake.mean(0) < 0.01).sum(),
        "D(G(z)) > D(x)": (fake.mean(0) > real.mean(0)).sum(),
        "dark pixels": span(middle[:, lean]),
        "light pixels": span(middle[:, ~lean]),
        "movement, newborn": span(before),
        "movement": span(after),
        "shrank": (after < before).sum(),
        "below 0.2": (after < 0.2).sum(),
        "D's signs": ((games.w > 0) == lean).all(1).sum(),
    }


def print_table(rows):
    print("|" + "|".join(rows[0]) + "|\n|" + "---|" * len(rows[0]))
    for row in rows:
        print("|" + "|".join(str(value) for value in row.values()) + "|")


def slow_motion(faces, rounds):
    """Let only one player learn at a time and count what that does to both errors."""
    games = new_games(SEEDS)

    def errors():
        fake = opinion(games, forge(games, 0.5))
        d_error = np.mean([-np.log(opinion(games, face)) for face in faces], axis=0) - np.log(1 - fake)
        return {"D": d_error[:, 0], "G": -np.log(fake)[:, 0]}

    rows = []
    for turn, (learner, other) in enumerate([("D", "G"), ("G", "D")] * 2, start=1):
        before = errors()
        play_games(games, faces, rounds, d_turns=int(learner == "D"), g_turns=int(learner == "G"))
        after = errors()
        title = f"turn {turn}: {rounds} rounds, only {learner} learns"
        fell, rose = after[learner] < before[learner], after[other] > before[other]
        rows.append({"slow motion": title, "learner's error fell": fell.sum(), "the other's error rose": rose.sum()})
    return rows


def main():
    notebook = load_notebook()
    faces, rounds = notebook.FACES, notebook.ROUNDS
    mirrored = faces[:, [1, 0, 3, 2]]
    rows = [
        report("as in the notebook", faces, rounds, notebook),
        report("three times the rounds", faces, 3 * rounds, notebook),
        report("the other diagonal", mirrored, rounds, notebook, lean=~LEAN),
        report("ten turns for D", faces, rounds, notebook, d_turns=10),
        report("both peoples", np.concatenate([faces, mirrored]), rounds, notebook),
    ]
    rows += [report(f"learning rate {r}", faces, rounds, notebook, rate=r) for r in (0.001, 0.1, 1, 8)]
    print(EXPLANATION)
    print_table(rows)
    print()
    print_table(slow_motion(faces, notebook.ROUNDS_PER_TURN))


if __name__ == "__main__":
    main()
