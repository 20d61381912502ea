"""Play the games of notebook 06 with ten seeds each and print what its prose states.

    python benchmarks/playground.py      # about ten minutes

The functions are the notebook's own: its cells tagged `parameters` and `algorithm` are run here.
"""

import argparse
import json
import statistics
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import torch
from torch import nn

from gans_workshop import non_saturating, seed_everything
from gans_workshop.sketches import SHEET

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "06_points_playground.ipynb"
LOOKS = 30  # how often a game is looked at
HEADER = (
    "| game | seeds | hills at the end | hills, mean of the second half | rounds to all eight | moves of the main hill "
    "| main hills met | fakes near land | land near a fake |"
)


def load_notebook():
    """Run the notebook's cells that are tagged `parameters` or `algorithm` and return what they define."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    names = {"torch": torch, "nn": nn, "non_saturating": non_saturating, "SHEET": SHEET}
    for cell in cells:
        if {"parameters", "algorithm"} & set(cell["metadata"].get("tags", [])):
            functions, *_ = "".join(cell["source"]).partition("\n\n\nseed_everything")  # not the game below them
            exec(functions, names)
    return SimpleNamespace(**names)


def alone(n, seed):
    """Let only D learn for 300 rounds, then only G: D's opinions at the start's fakes, far out, and where G ends."""
    seed_everything(seed)
    game = n.new_game()
    D, G, *_ = game
    n.play(game, n.ring, 300, g_turns=0)
    corners = torch.tensor([[x, y] for x in (-1.3, 1.3) for y in (-1.3, 1.3)])
    with torch.no_grad():
        fake, corner = D(G(n.draw_z(G, 2000))).sigmoid(), D(corners).sigmoid()
    n.play(game, n.ring, 300, d_turns=0)
    with torch.no_grad():
        fooled = D(G(n.draw_z(G, 2000))).sigmoid().mean()
    hills = int((n.visits(G) >= 0.01).sum())
    return {"d_fake": fake.mean().item(), "corners": corner.mean().item(), "fooled": fooled.item(), "hills": hills}


@torch.no_grad()
def match(n, G, land):
    """Return the share of fakes near a real dot, and the share of real dots near a fake (near: 0.08)."""
    fakes, real = G(n.draw_z(G, 4000)), land(4000)
    near = torch.cdist(fakes, real) < 0.08
    return near.any(1).float().mean().item(), near.any(0).float().mean().item()


def whole_game(n, seed, make, *, land=None, rounds=None, d_turns=1):
    """Play a game; return the hills reached, how they were reached, and how well fakes and land agree."""
    seed_everything(seed)
    game, rounds = make(), rounds or n.ROUNDS
    looks = []
    for _ in range(LOOKS):
        n.play(game, land or n.ring, rounds // LOOKS, d_turns=d_turns)
        looks.append(n.visits(game[1]))
    main = [int(look.argmax()) for look in looks if look.max() >= 0.05]
    on, reached = match(n, game[1], land or n.ring)
    return {
        "hills": int((looks[-1] >= 0.01).sum()),
        "late": statistics.mean(int((look >= 0.01).sum()) for look in looks[LOOKS // 2 :]),
        "all": next((i + 1 for i, look in enumerate(looks) if (look >= 0.01).all()), 99) * (rounds // LOOKS),
        "moves": sum(a != b for a, b in pairwise(main)),
        "met": len(set(main)),
        "on": on,
        "reached": reached,
    }


def span(values, digits):
    """Say smallest to largest (median)."""
    return f"{min(values):.{digits}f} to {max(values):.{digits}f} ({statistics.median(values):.{digits}f})"


def main():
    """Run all games and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--only", default="", help="games whose name contains this")
    options = parser.parse_args()
    torch.set_num_threads(1)
    n = load_notebook()
    swapped = {"d_rate": n.G_RATE, "g_rate": n.D_RATE}
    games = {
        "the game": {"make": n.new_game},
        "rates swapped": {"make": lambda: n.new_game(**swapped)},
        "swapped, 5 turns for D": {"make": lambda: n.new_game(**swapped), "d_turns": 5, "rounds": n.ROUNDS // 2},
        "swapped, 10 turns for D": {"make": lambda: n.new_game(**swapped), "d_turns": 10, "rounds": n.ROUNDS // 2},
        "swapped, four dots at once": {"make": n.crowd_game},
        "z is one number": {"make": lambda: n.new_game(latent_dim=1)},
        "heart, twice the rounds": {"make": n.new_game, "land": n.from_text(n.HEART), "rounds": 2 * n.ROUNDS},
        "moons, twice the rounds": {"make": n.new_game, "land": n.moons, "rounds": 2 * n.ROUNDS},
    }
    seeds = range(options.seeds)
    rows = [alone(n, seed) for seed in seeds]
    print("alone:", "; ".join(f"{key} {span([row[key] for row in rows], 2)}" for key in rows[0]), flush=True)
    print(f"\n{HEADER}\n{'|---' * HEADER.count(' | ')}|---|", flush=True)
    for name, how in games.items():
        if options.only in name:
            rows = [whole_game(n, seed, **how) for seed in seeds]
            digits = {"late": 1, "on": 2, "reached": 2}
            cells = [span([row[key] for row in rows], digits.get(key, 0)) for key in rows[0]]
            print(f"| {name} | {len(rows)} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
