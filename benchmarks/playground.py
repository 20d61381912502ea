"""Play the games of notebook 06 with ten seeds each and write what its prose states.

    python benchmarks/playground.py      # two minutes of processor time

The functions are the notebook's own. All seeds play at once: the layers of their players are stacked, (N, 2) becomes
(seeds, N, 2), and nothing passes from one to another.
"""

import argparse
import math
import statistics
from itertools import pairwise
from types import SimpleNamespace

import torch
from common import load_notebook, ranges, seeds, write_csv
from torch import nn

from gans_workshop import SHEET, seed_everything

LOOKS = 30  # how often a game is looked at
COLUMNS = {  # what a row says: key: (heading, form)
    "islands": ("islands at the end", ".0f"),
    "late": ("islands, mean of the second half", ".1f"),
    "all": ("rounds to all eight", ".0f"),
    "on islands": ("fakes on islands at the end", ".2f"),
    "moves": ("moves of the main island", ".0f"),
    "met": ("main islands met", ".0f"),
    "clump": ("fakes in one clump", ".2f"),
    "on": ("fakes near land", ".2f"),
    "reached": ("land near a fake", ".2f"),
    "at islands": ("D at the islands", ".2f"),
    "elsewhere": ("D elsewhere", ".2f"),
}


def load():
    """Return what the notebook defines."""
    names = load_notebook("06")
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
    """Return the share of each seed's fakes on each island, (seeds, 8), as the notebook counts them."""
    return torch.stack([n.visits(these) for these in fakes])


def opinions(n, D, seeds):
    """Return what D says all over the sheet, (seeds, 27 * 27), and how far each of these spots is from an island."""
    along = torch.linspace(-SHEET, SHEET, 27)
    spots = torch.cartesian_prod(along, along)
    with torch.no_grad():
        said = D(spots.expand(len(seeds), -1, 2)).sigmoid()[..., 0]
    return said, torch.cdist(spots, n.ISLANDS).min(dim=1).values


def alone(n, seeds):
    """Let only D learn for 300 rounds, then only G: D's opinions of fakes and sheet, and where G ends."""
    D, G, *_ = game = new_games(n, n.new_game, seeds)
    n.play(game, for_all(n.ring, seeds), 300, g_turns=0)
    said, _ = opinions(n, D, seeds)
    with torch.no_grad():
        fake, islands = (D(dots).sigmoid() for dots in (G(n.draw(G, 2000)), n.ISLANDS.expand(len(seeds), 8, 2)))
    n.play(game, for_all(n.ring, seeds), 300, d_turns=0)
    with torch.no_grad():
        fakes = G(n.draw(G, 2000))
        fooled = D(fakes).sigmoid().mean((1, 2))
    columns = {
        "D(fakes)": fake.mean((1, 2)),
        "least D(island)": islands.amin((1, 2)),
        "blue part of the sheet": (said > 0.5).double().mean(1),
        "then D(G(z)) at the end": fooled,
        "fakes off the sheet": (fakes.abs() > SHEET).any(2).double().mean(1),
        "islands": (shares(n, fakes) >= 0.01).sum(1).double(),
        "clump": clump(fakes),
    }
    return {name: values.tolist() for name, values in columns.items()}


def clump(fakes):
    """Return the share of each seed's fakes, (seeds, N, 2), that lie within 0.3 of their middle one (by median)."""
    return ((fakes - fakes.median(1, keepdim=True).values).norm(dim=2) < 0.3).double().mean(1)


def match(fakes, land):
    """Return the share of fakes near a real dot, and the share of real dots near a fake (near: 0.08)."""
    near = torch.cdist(fakes, land(4000)) < 0.08
    return near.any(1).double().mean().item(), near.any(0).double().mean().item()


def whole_game(n, seeds, make, *, land=None, rounds=None, d_turns=1):
    """Play a game; return the islands reached, how they were reached, and how well fakes and land agree, by seed."""
    land, rounds = land or n.ring, rounds or n.ROUNDS
    game = new_games(n, make, seeds)
    looks, clumps = [], []
    for _ in range(LOOKS):
        n.play(game, for_all(land, seeds), rounds // LOOKS, d_turns=d_turns)
        with torch.no_grad():
            fakes = game[1](n.draw(game[1], 2000))
        looks.append(shares(n, fakes))
        clumps.append(clump(fakes))
    with torch.no_grad():
        fakes = game[1](n.draw(game[1], 4000))
    rows = []
    for i in range(len(seeds)):
        late = {"clump": torch.stack(clumps)[LOOKS // 5 :, i].median().item()}
        row = summary([look[i] for look in looks], rounds) | late if land is n.ring else {}
        rows.append(row | dict(zip(("on", "reached"), match(fakes[i], land))))
    if make is n.new_game and land is n.ring:
        said, far = opinions(n, game[0], seeds)
        at_islands = game[0](n.ISLANDS.expand(len(seeds), 8, 2)).sigmoid().mean((1, 2))
        for row, middle, these in zip(rows, at_islands, said):
            row |= {"at islands": middle.item(), "elsewhere": these[far > 0.2].mean().item()}
    return rows


def summary(looks, rounds):
    """Say of one seed's looks, (8,) each: islands at the end and late, when all were met, and how the fakes moved."""
    main = [int(look.argmax()) for look in looks if look.max() >= 0.05]
    return {
        "islands": int((looks[-1] >= 0.01).sum()),
        "late": statistics.mean(int((look >= 0.01).sum()) for look in looks[LOOKS // 2 :]),
        "all": next((i + 1 for i, look in enumerate(looks) if (look >= 0.01).all()), math.inf) * (rounds // LOOKS),
        "moves": sum(a != b for a, b in pairwise(main)),
        "met": len(set(main)),
        "on islands": float(looks[-1].sum()),
    }


def row_of(name, runs):
    """Sum up the runs of a game."""
    row = {"game": name, "seeds": len(runs)}
    for key, (heading, form) in COLUMNS.items():
        row |= ranges(heading, [run.get(key, math.nan) for run in runs], form)
    return {key: str(value).replace("inf", "never") for key, value in row.items()}


def main():
    """Play all games and write both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=seeds, default=range(10))
    parser.add_argument("--only", default="", help="games whose name contains this")
    options = parser.parse_args()
    torch.set_num_threads(1)
    n = load()
    swapped = {"d_rate": n.G_RATE, "g_rate": n.D_RATE}
    games = {
        "the game": {"make": n.new_game},
        "rates swapped": {"make": lambda: n.new_game(**swapped)},
        "swapped, 5 turns for D": {"make": lambda: n.new_game(**swapped), "d_turns": 5, "rounds": n.ROUNDS // 2},
        "swapped, 2 turns for D": {"make": lambda: n.new_game(**swapped), "d_turns": 2, "rounds": n.ROUNDS // 2},
        "swapped, four dots at once": {"make": n.crowd_game},
        "z is one number": {"make": lambda: n.new_game(latent_dim=1)},
        "heart, twice the rounds": {"make": n.new_game, "land": n.from_text(n.HEART), "rounds": 2 * n.ROUNDS},
        "moons, twice the rounds": {"make": n.new_game, "land": n.moons, "rounds": 2 * n.ROUNDS},
    }
    rows = []
    for name, values in alone(n, options.seeds).items():
        rows.append({"first only D, then only G": name, "seeds": len(options.seeds)} | ranges("value", values))
    write_csv("playground_alone", rows)
    for name, how in games.items():
        if options.only in name:
            write_csv("playground", [row_of(name, whole_game(n, options.seeds, **how))])


if __name__ == "__main__":
    main()
