"""Make gans_workshop/data/style.npz: train the style network that notebook 11 plays with, longer than a lesson lasts.

    python tools/train_style.py                            # 7,600 rounds: 4 minutes on a good GPU, hours on a CPU
    python tools/train_style.py --rounds 2000 --trial DIR  # a short one, beside it, into another folder

It learns from the 5,000 bundled faces by the rules of notebook 03 for thousands of pictures, and goes on where it was
stopped: its checkpoints lie in the cache. `python benchmarks/style.py length` then says how good it is.
"""

import argparse
from functools import partial
from pathlib import Path

import numpy as np

from gans_workshop import GAN, Discriminator, Generator, non_saturating_r1, pick_device, seed_everything, train
from gans_workshop.files.datasets import DATA, load_faces
from gans_workshop.files.workspace import cache_folder
from gans_workshop.game.style import StyleGenerator
from gans_workshop.game.turns import play_round

ROUNDS = 7_600
BATCH_SIZE = 16
RATE = 2e-3
PLAYERS = {"style": StyleGenerator, "DCGAN": Generator}


def make_game(player, device, *, width=22, seed=0):
    """Make the game of one of the PLAYERS: the same detective, rules and width for both."""
    seed_everything(seed)
    form = {"image_size": 64, "channels": 3, "width": width}
    generator = PLAYERS[player](**form, **({"smooth": False} if player == "DCGAN" else {}))
    detective = Discriminator(**form, norm=False)
    rules = {"loss": non_saturating_r1, "betas": (0.5, 0.99), "d_lr": RATE, "g_lr": RATE}
    return GAN(generator, detective, device=device, seed=seed, **rules)


def play_slower(game, images, conditions=None, *, batch_size, rounds):
    """Play a round at a rate that stays the same until half of the rounds, and falls to 0 at the end."""
    for optimizer in (game.d_optimizer, game.g_optimizer):
        for group in optimizer.param_groups:
            group["lr"] = RATE * min(1, 2 * (1 - game.step / rounds))
    play_round(game, images, conditions, batch_size=batch_size)


def main():
    """Train, and write the weights of the average generator with half of their digits."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--trial", type=Path, help="another folder for the weights and the checkpoints")
    options = parser.parse_args()
    home = options.trial or DATA
    game = make_game("style", pick_device())
    checkpoints = (options.trial or cache_folder()) / "style-checkpoints"
    one_round = partial(play_slower, rounds=options.rounds)
    budget = {"steps": options.rounds, "batch_size": BATCH_SIZE}
    train(game, load_faces()[0], one_round=one_round, checkpoint=checkpoints, **budget)
    weights = game.average_generator.state_dict()
    file = home / "style.npz"
    np.savez_compressed(file, **{name: part.cpu().numpy().astype(np.float16) for name, part in weights.items()})
    print(f"{file.name}: {file.stat().st_size / 1000:.0f} kB, {game.seconds / 60:.1f} minutes of training")


if __name__ == "__main__":
    main()
