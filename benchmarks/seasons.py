"""Can it learn summer and winter from two unrelated piles? The numbers of notebook 09, against the hidden truth.

    python benchmarks/seasons.py                        # all parts, 5 seeds: about an hour and a half
    python benchmarks/seasons.py seasons --seeds 1      # one part, one seed

`there`, `back` and `again` are the mean differences of a pixel, in [-1, 1], over 100 scenes of which both seasons are
known: summer to winter, winter to summer, and summer there and back again; `walls` is `there` where both seasons are
alike: walls, doors and trunks. `suns` is how often the sun that comes back is where it was, by two pixels of 32.
Seconds are those of this process on one thread.
"""

import time

import torch
from common import load_notebook, row_of, run_parts, verdicts, write_csv

from gans_workshop import (
    GAN,
    PatchDiscriminator,
    UNet,
    classify_faces,
    cycle_round,
    diagnose,
    draw_seasons,
    load_drawings,
    load_faces,
    pix2pix,
    save_contact_sheet,
    seed_everything,
    side_by_side,
    sliced_distance,
    to_float,
    train,
    workshop_folder,
)

WEIGHTS = {"all bills": {}, "without cycle": {"cycle": 0}, "without identity": {"identity": 0}}
MARKS = [300, 1000]  # rounds after which a game is scored


def book_for(seed):
    """Return the functions and settings of the notebook, with another seed."""
    book = load_notebook("09", SEED=seed)
    book["SEED"] = seed
    book["shape"] = {"image_size": 32, "width": book["WIDTH"], "norm": torch.nn.InstanceNorm2d}
    rate = book["LEARNING_RATE"]
    book["rules"] = {"device": torch.device("cpu"), "loss": book["least_squares"], "d_lr": rate, "g_lr": rate}
    return book


def play(game, piles, marks):
    """Train a game of two piles, and yield (rounds, seconds on one thread) at each mark in rounds."""
    start = time.process_time()
    for mark in marks:
        train(game, piles[0], conditions=piles[1], steps=mark, batch_size=8, one_round=cycle_round)
        yield mark, time.process_time() - start


def seasons(numbers, folder):
    """Play the game of sections 3 and 4, and without two of its bills."""
    summer, winter = draw_seasons(500, seed=1)[0], draw_seasons(500, seed=2)[1]
    truth, rows = draw_seasons(100, seed=3), {}
    for seed in numbers:
        book = book_for(seed)
        book["test_summer"], book["test_winter"] = truth
        book["moved"] = [
            book["move_colours"](*some) for some in ((truth[0], summer, winter), (truth[1], winter, summer))
        ]
        for name, weights in WEIGHTS.items():
            game = book["make_game"](book["new_players"](), truth, **weights)
            for rounds, seconds in play(game, (summer, winter), MARKS if name == "all bills" else MARKS[:1]):
                found = scores(game, truth, book) | {"CPU seconds": seconds}
                rows.setdefault((name, rounds), []).append(found)
                words = [diagnose(side.history).name for side in (game.there, game.back)]
                print(f"seed {seed}, {name}, {rounds} rounds: {found} {words}", flush=True)
            made, again = game.there_and_again(truth[0][:12])
            summers = game.translate_back(truth[1][:12])
            shown = [side_by_side(some[:12]) for some in (truth[0], made, truth[1], again, summers)]
            save_contact_sheet(folder / f"{name}-{seed}.png".replace(" ", "-"), torch.cat(shown), columns=12, zoom=3)
    write_csv("seasons", [row_of({"game": name, "rounds": n}, runs, form) for (name, n), runs in rows.items()], keys=2)
    without = {"left as it is": [to_float(some) for some in truth], "colours moved": book["moved"]}
    write_csv(
        "seasons_without",
        [
            {"what": name, "there": f"{book['l1'](a, truth[1]):.3f}", "back": f"{book['l1'](b, truth[0]):.3f}"}
            for name, (a, b) in without.items()
        ],
    )


def scores(game, truth, book):
    """Return the numbers of a game by name."""
    made, again = game.there_and_again(truth[0])
    back = game.translate_back(truth[1])
    numbers = {"there": book["l1"](made, truth[1]), "back": book["l1"](back, truth[0])}
    stays = (truth[0] == truth[1]).all(1, keepdim=True).expand_as(truth[0])  # walls, doors, trunks
    numbers |= {"walls": book["l1"](made[stays], truth[1][stays])}
    numbers |= {"again": book["l1"](again, truth[0]), "suns": book["suns_back"](again)}
    torch.manual_seed(0)
    sent = {f"noise {n}": (made + n * torch.randn_like(made)).clamp(-1, 1) for n in (0.05, 0.2)}
    sent |= {"JPEG": book["through_jpeg"](made)}
    sent |= {f"one {what}": book["level_sky"](made, what) for what in ("brightness", "colour")}
    for name, pictures in sent.items():
        numbers[f"suns, {name}"] = book["suns_back"](game.translate_back(pictures))
        numbers[f"changed, {name}"] = book["l1"](pictures, made)
    return numbers | {"suns from true winters": book["suns_back"](back)}


def faces(numbers, folder):
    """Play the game of section 6: without and with a beard, black and blond hair; what of the true twin came out?"""
    rows = {}
    for change in ("beard", "hair_colour"):
        twins, _, values = load_faces(image_size=32, twins=change)
        for seed in numbers:
            book = book_for(seed)
            game = book["make_game"](book["new_players"](), twins)
            ((rounds, seconds),) = play(game, book["split_faces"](change, 32), [book["FACE_ROUNDS"]])
            made = game.there.sample(len(twins[0]), twins[0])
            read, wanted = (classify_faces(some)[0] for some in (made, twins[1]))
            shares = {"has what was asked for": asked(read, change, values)}
            shares |= {f"{name}, as the true twin": share for name, share in zip(values, as_in(read, wanted))}
            for name, share in shares.items():
                rows.setdefault((change, name, rounds), []).append({"share": share})
            doctor_says = diagnose(game.history).name
            print(f"seed {seed}, {change}, {rounds} rounds, {seconds:.0f} s: {shares} {doctor_says}", flush=True)
            sheet = side_by_side(twins[0][:15], made[:15], twins[1][:15])
            save_contact_sheet(folder / f"{change}-{seed}.png", sheet, columns=9, zoom=2)
    names = ("piles", "what", "rounds")
    write_csv("seasons_faces", [row_of(dict(zip(names, key)), runs, form) for key, runs in rows.items()], keys=3)


def as_in(read, wanted):
    """Return for each attribute the share of faces that have it as wanted."""
    return (read == wanted).double().mean(0).tolist()


def asked(read, change, values):
    """Return the share of faces that got what the second pile has: some beard, or blond hair."""
    kinds = [values[change][kind] for kind in read[:, list(values).index(change)]]
    return sum(kind != "none" if change == "beard" else kind == "blond" for kind in kinds) / len(kinds)


def torn(numbers, folder):
    """Play with pairs and with the same pairs torn apart, 300 rounds: the seasons, and the drawings of notebook 08."""
    rows = {}
    for seed in numbers:
        book = book_for(seed)
        for what, ((given, wanted), piles, (test, truth)) in {"seasons": scenes(), "drawings": halves()}.items():
            for name in ("pairs", "torn apart"):
                start = time.process_time()
                if name == "pairs":
                    seed_everything(seed)
                    players = [kind(given_channels=3, **book["shape"]) for kind in (UNet, PatchDiscriminator)]
                    game = GAN(*players, fixed_condition=test[:10], **book["rules"] | {"loss": pix2pix})
                    train(game, wanted, conditions=given, steps=MARKS[0], batch_size=8)
                else:
                    cycle = book["make_game"](book["new_players"](), (test, truth))
                    list(play(cycle, piles, MARKS[:1]))
                    game = cycle.there
                made = game.sample(len(test), test)
                found = {"l1": book["l1"](made, truth), "sliced distance": sliced_distance(made, truth)}
                rows.setdefault((what, name), []).append(found | {"CPU seconds": time.process_time() - start})
                print(f"seed {seed}, {what}, {name}: {found}", flush=True)
                sheet = side_by_side(test[:15], made[:15], truth[:15])
                save_contact_sheet(folder / f"{what}-{name}-{seed}.png".replace(" ", "-"), sheet, columns=9)
    keys = [{"pictures": what, "data": name, "rounds": MARKS[0]} for what, name in rows]
    write_csv("seasons_torn", [row_of(key, runs, form) for key, runs in zip(keys, rows.values())], keys=2)


def scenes():
    """Return pairs of seasons, piles without pairs, and the hidden pairs."""
    summer, winter = draw_seasons(500, seed=1)
    return (summer, winter), (summer, draw_seasons(500, seed=2)[1]), draw_seasons(100, seed=3)


def halves():
    """Return half of the drawings as pairs, these outlines with the colours of the others, and those held out."""
    (lines, colours, _), (test, truth, _) = (load_drawings(image_size=32, test=test) for test in (False, True))
    lines, test, half = lines.expand(-1, 3, -1, -1), test.expand(-1, 3, -1, -1), len(lines) // 2
    return (lines[:half], colours[:half]), (lines[:half], colours[half:]), (test, truth)


def noisy(numbers, folder):
    """Play exercise 2: F sees everything through noise while it learns, so that a faint mark is of no use."""
    piles, truth, rows = (draw_seasons(500, seed=1)[0], draw_seasons(500, seed=2)[1]), draw_seasons(100, seed=3), []
    for seed in numbers:
        book = book_for(seed)
        book["fog"] = 0.5
        book["test_summer"], book["test_winter"] = truth
        players = book["new_players"]()
        players[2] = book["Noisy"](given_channels=3, **book["shape"])
        game = book["make_game"](players, truth)
        for _, seconds in play(game, piles, MARKS[:1]):
            rows.append(scores(game, truth, book) | {"CPU seconds": seconds})
            print(f"seed {seed}: {rows[-1]} {diagnose(game.history).name}", flush=True)
    write_csv("seasons_noisy", [row_of({"F sees through noise of": 0.5, "rounds": MARKS[0]}, rows, form)])


PATIENTS = {"healthy": {}, "the detective dominates": {"g_lr": 1e-7}, "the criminal dominates": {"d_lr": 1e-7}}


def doctor(numbers, folder):
    """Let the doctor judge both ways of games of 200 rounds: as they are, and with one kind of player asleep."""
    piles, rows = (draw_seasons(500, seed=1)[0], draw_seasons(500, seed=2)[1]), []
    for wanted, rules in PATIENTS.items():
        said = []
        for seed in numbers:
            book = book_for(seed)
            book["rules"] |= rules
            game = book["make_game"](book["new_players"](), piles)
            for _ in play(game, piles, [200]):
                said += [diagnose(side.history).name for side in (game.there, game.back)]
                print(f"seed {seed}, {rules}: {diagnose(game.history).sentence}", flush=True)
        name = ", ".join(f"{name} = {value:g}" for name, value in rules.items()) or "as it is"
        rows.append(verdicts({"game": name}, wanted, said))
    write_csv("seasons_doctor", rows)


def form(name):
    return ".0f" if "seconds" in name else ".2f" if "sun" in name or name == "share" else ".3f"


PARTS = {"seasons": seasons, "faces": faces, "torn": torn, "noisy": noisy, "doctor": doctor}


if __name__ == "__main__":
    run_parts(PARTS, __doc__, workshop_folder() / "seasons")
