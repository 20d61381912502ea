"""Play notebook 01's game with 200 seeds and write every range that its prose states.

    python benchmarks/slanted_land.py      # half a minute

All games run at once in arrays of shape (seeds, 4). That is a second copy of the notebook's algorithm, so seed 42 is
first compared with the notebook's own functions, for every setting that is reported.
"""

import argparse
from types import SimpleNamespace

import numpy as np
from common import load_notebook, ranges, seeds, write_csv

LEAN = np.array([True, False, False, True])
Z = np.linspace(0, 1, 101)  # the criminal must succeed for every z, not for a lucky one


def load():
    """Return what the notebook defines."""
    return SimpleNamespace(**load_notebook("01"))


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
    """Play on, a face in each round; return D(x) and D(G(z)) after every round, each (rounds, seeds)."""
    dice = np.stack([d.rand(rounds) for d in games.dice], axis=1)
    real, fake = [], []
    for number, z in enumerate(dice[:, :, None]):
        x, forged = faces[number % len(faces)], forge(games, z)
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


def fakes_for_all_z(games):
    return np.stack([forge(games, z) for z in Z])  # (z, seeds, 4)


def movement(games):
    return np.ptp(fakes_for_all_z(games), axis=0).mean(1)


def lean_count(fakes, lean=LEAN):
    return int(((fakes > 0.5) == lean).all(axis=(0, 2)).sum())


def report(title, faces, rounds, notebook, *, seeds, lean=LEAN, **setting):
    """Play one setting with all seeds and return its row, {column: value}."""
    with np.errstate(over="ignore", divide="ignore"):  # the broken setting overflows on its way
        compare_with_notebook(notebook, faces, rounds, **setting)
        games = new_games(seeds)
        before = movement(games)
        real, fake = (opinions[-len(opinions) // 10 :] for opinions in play_games(games, faces, rounds, **setting))
        d_loss, g_loss = (-np.log(real) - np.log(1 - fake)).mean(0), -np.log(fake).mean(0)
    fakes, middle, after = fakes_for_all_z(games), forge(games, 0.5), movement(games)
    either = (((fakes > 0.5) == lean).all(2) | ((fakes > 0.5) == ~lean).all(2)).all(0)
    row = {"setting": title, "seeds": len(seeds), "leans": lean_count(fakes, lean), "either way": either.sum()}
    columns = {"D's loss": d_loss, "G's loss": g_loss, "D(x)": real.mean(0), "D(G(z))": fake.mean(0)}
    for name, values in columns.items():
        row |= ranges(name, values)
    row["D(G(z)) < 0.01"] = (fake.mean(0) < 0.01).sum()
    row["D(G(z)) > D(x)"] = (fake.mean(0) > real.mean(0)).sum()
    columns = {"dark pixels": middle[:, lean].ravel(), "light pixels": middle[:, ~lean].ravel()}
    for name, values in (columns | {"movement, newborn": before, "movement": after}).items():
        row |= ranges(name, values)
    row |= {"shrank": (after < before).sum(), "below 0.2": (after < 0.2).sum()}
    return row | {"D's signs": ((games.w > 0) == lean).all(1).sum()}


def slow_motion(faces, rounds, seeds):
    """Let only one player learn at a time and count what that does to both losses."""
    games = new_games(seeds)

    def losses():
        fake = opinion(games, forge(games, 0.5))
        d_loss = np.mean([-np.log(opinion(games, face)) for face in faces], axis=0) - np.log(1 - fake)
        return {"D": d_loss[:, 0], "G": -np.log(fake)[:, 0]}

    rows = []
    for column, (learner, other) in enumerate([("D", "G"), ("G", "D")] * 2, start=1):
        before = losses()
        play_games(games, faces, rounds, d_turns=int(learner == "D"), g_turns=int(learner == "G"))
        after = losses()
        row = {"slow motion": f"column {column}: {rounds} rounds, only {learner} learns", "seeds": len(seeds)}
        row["learner's loss fell"] = (after[learner] < before[learner]).sum()
        rows.append(row | {"the other's loss rose": (after[other] > before[other]).sum()})
    return rows


def on_the_page(n):
    """Return what the page says of its own games, seed 42: smallest and largest, or one number."""
    (D, G), (_, newborn) = n.new_players(), n.new_players()
    hand = n.Detective()
    hand.weights, hand.bias = n.HAND_WEIGHTS, -1
    found = {"newborn: top right pixel": [newborn(z)[1] for z in (0, 1)]}
    found["newborn: the hand-made detective's opinion"] = [hand(newborn(z)) for z in n.FIVE_Z]
    moments = [n.moment("start", D, G)]
    for turns in [{"g_turns": 0}, {"d_turns": 0}] * 2:
        n.play(D, G, n.FACES, n.ROUNDS_PER_COLUMN, **turns)
        moments.append(n.moment("later", D, G))
    for column, (*_, d_loss, g_loss) in enumerate(moments):
        found[f"slow motion, column {column}: D's loss"] = [d_loss]
        found[f"slow motion, column {column}: G's loss"] = [g_loss]
    D, G = n.new_players()
    history, fakes = n.play(D, G, n.FACES, n.ROUNDS), np.array([G(z) for z in n.FIVE_Z])
    found |= {"fakes: on the diagonal": fakes[:, LEAN].ravel(), "fakes: beside it": fakes[:, ~LEAN].ravel()}
    for name, pictures in (("newborn", [newborn(z) for z in n.FIVE_Z]), ("trained", fakes), ("real faces", n.FACES)):
        found[f"movement: {name}"] = [n.movement(pictures)]
    found |= {"G(0.5): on the diagonal": G(0.5)[LEAN], "G(0.5): beside it": G(0.5)[~LEAN]}
    found |= {"G's biases: on the diagonal": G.biases[LEAN], "G's biases: beside it": G.biases[~LEAN]}
    late = slice(-n.ROUNDS // 10, None)
    for name, losses in (("D", history.d_loss), ("G", history.g_loss)):
        found[f"{name}'s loss, last tenth"] = [np.mean(losses[late])]
    average = n.FACES.mean(axis=0)
    found |= {"average face: on the diagonal": average[LEAN], "average face: beside it": average[~LEAN]}
    D, G = n.new_players()
    n.play(D, G, n.FACES, n.ROUNDS, d_turns=10)
    found["ten turns for D: on the diagonal"] = G(0.5)[LEAN]
    D, G = n.new_players()
    with np.errstate(over="ignore", divide="ignore"):
        broken = n.play(D, G, n.FACES, n.ROUNDS, rate=8)
    found |= {"learning rate 8: D's loss": broken.d_loss[-1:], "learning rate 8: G's loss": broken.g_loss[-1:]}
    return [{"what": what} | ranges("value", values, ".4f") for what, values in found.items()]


def main():
    """Play all settings and write both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=seeds, default=range(200))
    options = parser.parse_args()
    notebook = load()
    faces, rounds = notebook.FACES, notebook.ROUNDS
    mirrored = faces[:, [1, 0, 3, 2]]
    settings = {
        "as in the notebook": (faces, rounds, {}),
        "three times the rounds": (faces, 3 * rounds, {}),
        "the other diagonal": (mirrored, rounds, {"lean": ~LEAN}),
        "ten turns for D": (faces, rounds, {"d_turns": 10}),
        "both peoples": (np.concatenate([faces, mirrored]), 2 * rounds, {}),
    }
    settings |= {f"learning rate {rate}": (faces, rounds, {"rate": rate}) for rate in (0.001, 0.1, 1, 8)}
    rows = []
    for title, (these, count, how) in settings.items():
        rows.append(report(title, these, count, notebook, seeds=options.seeds, **how))
    write_csv("slanted_land", rows)
    write_csv("slanted_land_turns", slow_motion(faces, notebook.ROUNDS_PER_COLUMN, options.seeds))
    write_csv("slanted_land_page", on_the_page(notebook))


if __name__ == "__main__":
    main()
