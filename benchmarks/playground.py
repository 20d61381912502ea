"""Play the games of notebook 06 with ten seeds each and print what its prose states.

    python benchmarks/playground.py      # two minutes

The functions are the notebook's own: its cells tagged `parameters` and `algorithm` are run here. All seeds play at
once: the layers of their players are stacked, (N, 2) becomes (seeds, N, 2), and nothing passes from one to another.
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
    names["draw"] = lambda G, count: names["draw_z"](G, count)  # also after `new_games` has replaced it
    return SimpleNamespace(**names)


class Stack(nn.Module):
    """The same layer of all seeds: (seeds, N, in) -> (seeds, N, out)."""

    def __init__(self, layers):
        super().__init__()
        self.in_features = layers[0].in_features
        self.weight = nn.Parameter(torch.stack([layer.weight.detach().T for layer in layers]))
        self.bias = nn.Parameter(torch.stack([layer.bias.detach()[None] for layer in layers]))

    def forward(self, x):
        return torch.baddbmm(self.bias, x, self.weight)


def stack(players):
    """Make one network of the players of all seeds."""
    layers = []
    for these in zip(*players):
        if isinstance(these[0], nn.Linear):
            layers.append(Stack(these))
        elif isinstance(these[0], nn.Unflatten):  # dots side by side: the axis is one further now
            layers.append(nn.Unflatten(1, these[0].unflattened_size))
        else:
            layers.append(nn.Flatten(2) if isinstance(these[0], nn.Flatten) else these[0])
    return nn.Sequential(*layers)


def new_games(n, make, seeds):
    """Make the players of every seed as the notebook does, and let them play at once from then on."""
    games = []
    for seed in seeds:
        seed_everything(seed)
        games.append(make())
    D, G = stack([game[0] for game in games]), stack([game[1] for game in games])
    rates = [optimizer.param_groups[0]["lr"] for optimizer in games[0][2:]]
    players = [torch.optim.Adam(player.parameters(), lr=lr, betas=(0.5, 0.999)) for player, lr in zip((D, G), rates)]
    names = n.play.__globals__
    names["draw_z"] = lambda G, count: torch.randn(len(seeds), count, G[0].in_features)
    names["len"] = lambda dots: dots.shape[1] if isinstance(dots, torch.Tensor) and dots.ndim == 3 else len(dots)
    return D, G, *players


def for_all(land, seeds):
    """Return a land that gives every seed dots of its own."""
    return lambda count: land(len(seeds) * count).view(len(seeds), count, 2)


@torch.no_grad()
def shares(n, fakes):
    """Return the share of each seed's fakes on each hill, (seeds, 8), as the notebook counts them."""
    return torch.stack([n.visits(nn.Sequential(Still(these))) for these in fakes])


class Still(nn.Module):
    """A generator that draws the dots that it was given."""

    in_features = 2

    def __init__(self, dots):
        super().__init__()
        self.dots = dots

    def forward(self, z):
        return self.dots


def alone(n, seeds):
    """Let only D learn for 300 rounds, then only G: D's opinions of the fakes and far out, and where G ends."""
    D, G, *_ = game = new_games(n, n.new_game, seeds)
    n.play(game, for_all(n.ring, seeds), 300, g_turns=0)
    corners = torch.tensor([[x, y] for x in (-1.3, 1.3) for y in (-1.3, 1.3)]).expand(len(seeds), 4, 2)
    with torch.no_grad():
        fake, corner = (D(dots).sigmoid().mean((1, 2)) for dots in (G(n.draw(G, 2000)), corners))
    n.play(game, for_all(n.ring, seeds), 300, d_turns=0)
    with torch.no_grad():
        fakes = G(n.draw(G, 2000))
        fooled = D(fakes).sigmoid().mean((1, 2))
    hills = (shares(n, fakes) >= 0.01).sum(1)
    columns = {"d_fake": fake, "corners": corner, "fooled": fooled, "hills": hills.double()}
    return {name: values.tolist() for name, values in columns.items()}


def match(fakes, land):
    """Return the share of fakes near a real dot, and the share of real dots near a fake (near: 0.08)."""
    near = torch.cdist(fakes, land(4000)) < 0.08
    return near.any(1).double().mean().item(), near.any(0).double().mean().item()


def whole_game(n, seeds, make, *, land=None, rounds=None, d_turns=1):
    """Play a game; return the hills reached, how they were reached, and how well fakes and land agree, by seed."""
    land, rounds = land or n.ring, rounds or n.ROUNDS
    game = new_games(n, make, seeds)
    looks = []
    for _ in range(LOOKS):
        n.play(game, for_all(land, seeds), rounds // LOOKS, d_turns=d_turns)
        with torch.no_grad():
            looks.append(shares(n, game[1](n.draw(game[1], 2000))))
    with torch.no_grad():
        fakes = game[1](n.draw(game[1], 4000))
    return [
        summary([look[seed] for look in looks], rounds) | dict(zip(("on", "reached"), match(fakes[seed], land)))
        for seed in range(len(seeds))
    ]


def summary(looks, rounds):
    """Say of one seed's looks, (8,) each: hills at the end and late, when all were met, and how the fakes moved."""
    main = [int(look.argmax()) for look in looks if look.max() >= 0.05]
    return {
        "hills": int((looks[-1] >= 0.01).sum()),
        "late": statistics.mean(int((look >= 0.01).sum()) for look in looks[LOOKS // 2 :]),
        "all": next((i + 1 for i, look in enumerate(looks) if (look >= 0.01).all()), 99) * (rounds // LOOKS),
        "moves": sum(a != b for a, b in pairwise(main)),
        "met": len(set(main)),
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
        "swapped, four dots at once": {"make": n.crowd_game},
        "z is one number": {"make": lambda: n.new_game(latent_dim=1)},
        "heart, twice the rounds": {"make": n.new_game, "land": n.from_text(n.HEART), "rounds": 2 * n.ROUNDS},
        "moons, twice the rounds": {"make": n.new_game, "land": n.moons, "rounds": 2 * n.ROUNDS},
    }
    seeds = range(options.seeds)
    print("alone:", "; ".join(f"{name} {span(values, 2)}" for name, values in alone(n, seeds).items()), flush=True)
    print(f"\n{HEADER}\n{'|---' * HEADER.count(' | ')}|---|", flush=True)
    for name, how in games.items():
        if options.only in name:
            rows = whole_game(n, seeds, **how)
            digits = {"late": 1, "on": 2, "reached": 2}
            cells = [span([row[key] for row in rows], digits.get(key, 0)) for key in rows[0]]
            print(f"| {name} | {len(rows)} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
