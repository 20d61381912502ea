"""Notebook 06: its players play by the rules, its pictures show what is there, and its claims hold in a short game."""

import re

import nbformat
import pytest
import torch

from gans_workshop import GAN, SHEET, discriminator_step, generator_step, seed_everything, show_fields
from tools import code_cells, load_notebook, notebook, read, run, shrink, source_of, tags, text_of


@pytest.fixture(scope="module")
def book():
    return load_notebook("06")


def weights(network):
    return [parameter.detach().clone() for parameter in network.parameters()]


def equal(a, b):
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


# The game


@pytest.mark.parametrize(("d_turns", "g_turns"), [(1, 0), (0, 1)])
def test_a_sleeping_player_changes_no_bit(book, d_turns, g_turns):
    seed_everything(0)
    game = book.new_game()
    before = [weights(player) for player in game[:2]]
    book.play(game, book.ring, 3, d_turns=d_turns, g_turns=g_turns)
    assert [equal(old, weights(player)) for old, player in zip(before, game)] == [not d_turns, not g_turns]


def test_one_round_is_that_of_the_package(book, monkeypatch):
    """The package plays pictures (N, C, H, W): here each dot is a picture of 1 x 1 pixel in two channels."""
    nn = torch.nn
    seed_everything(0)
    D, G, *optimizers = book.new_game()
    as_picture, as_dot = nn.Unflatten(1, (2, 1, 1)), nn.Flatten()
    generator = nn.Sequential(*[type(layer)(*shape(layer)) for layer in G], as_picture)
    discriminator = nn.Sequential(as_dot, *[type(layer)(*shape(layer)) for layer in D])
    generator.load_state_dict(G.state_dict())
    discriminator.load_state_dict(
        {f"{int(k.split('.')[0]) + 1}.{k.split('.')[1]}": v for k, v in D.state_dict().items()}
    )
    generator.latent_dim = 2
    gan = GAN(generator, discriminator, d_lr=book.D_RATE, g_lr=book.G_RATE)

    real, z = book.ring(book.BATCH_SIZE), [torch.randn(book.BATCH_SIZE, 2) for _ in range(2)]
    draws, packaged = iter(z), iter(z)
    monkeypatch.setattr(book, "draw_z", lambda G, count: next(draws))
    gan.draw_z = lambda count: next(packaged)
    book.detective_learns((D, G, *optimizers), real)
    book.criminal_learns((D, G, *optimizers))
    discriminator_step(gan, real[:, :, None, None])
    generator_step(gan, book.BATCH_SIZE)
    for mine, packaged_weights in zip([*weights(D), *weights(G)], [*weights(discriminator), *weights(generator)]):
        torch.testing.assert_close(mine, packaged_weights, rtol=1e-4, atol=1e-6)


def shape(layer):
    if isinstance(layer, torch.nn.Linear):
        return layer.in_features, layer.out_features
    return (layer.negative_slope,) if isinstance(layer, torch.nn.LeakyReLU) else ()


def test_the_lands_are_where_they_should_be(book):
    seed_everything(0)
    ring, moons, heart = book.ring(2000), book.moons(2000), book.from_text(book.HEART)(2000)
    assert all(dots.shape == (2000, 2) and dots.abs().max() < SHEET for dots in (ring, moons, heart))
    assert torch.cdist(ring, book.ISLANDS).min(dim=1).values.max() < 0.12
    assert torch.cdist(ring, book.ISLANDS).argmin(dim=1).bincount().min() > 180
    column = book.from_text("#.\n#.\n##")(3000)
    right, top = column[:, 0] > 0, column[:, 1] > column[:, 1].mean()
    assert 0.2 < right.float().mean() < 0.3  # one of four cells, and at the bottom
    assert not (right & top).any()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("XX..XX\nXXXXXX", "Row 1 of the drawing has a 'X': type only #"),
        ("", "There is no # in the drawing: type # where there is land"),
        ("....\n....", "There is no # in the drawing: type # where there is land"),
        ("##.\n##", "Row 2 of the drawing has 2 signs: give every row 3"),
        ("# #\n###", "Row 1 of the drawing has a ' ': type only #"),
    ],
)
def test_a_land_that_is_none_is_told_why(book, text, words):
    with pytest.raises(ValueError, match=words):
        book.from_text(text)


@pytest.mark.parametrize("rounds", [1, 7, 60, 90])
def test_a_game_is_watched_over_all_its_rounds(book, rounds):
    """Also with fewer rounds than pictures: the last picture is always that of the last round."""
    names, played = dict(vars(book)), []
    names["play"] = lambda game, land, count: played.append(count)
    names["moment"] = lambda caption, game: caption
    exec(source_of("06", "game").partition("seed_everything")[0], names)
    film = names["watch"](None, None, rounds)
    assert sum(played) == rounds and len(film) == names["SNAPSHOTS"] and film[-1] == f"round {rounds}"


def test_the_page_needs_no_notebook_but_0_and_1_before_it():
    """It may be read right after 1: only its answers, and its end, look ahead."""
    book = read(notebook("06"))
    end = [cell.id for cell in book.cells].index("recap")
    shown = re.sub(r"<details>.*?</details>", "", text_of(book.cells[:end]), flags=re.DOTALL)
    assert re.findall(r"[Nn]otebooks? [2-5]|0[2-5]_", shown) == []


@pytest.mark.parametrize(
    "setting",
    ["SEED = -1", "D_RATE = 0", "G_RATE = 5", "ROUNDS = '1500'", "ROUNDS = 0.5", "ROUNDS_PER_SCENE = 0"],
)
def test_a_setting_that_does_not_work_is_named_before_anything_is_played(setting):
    names = vars(load_notebook("06"))
    exec(setting, names)
    with pytest.raises(ValueError, match=f"^{setting.split()[0]} = "):
        exec(source_of("06", "check-settings"), names)


@pytest.mark.parametrize("settings", [{"ROUNDS": 1}, {"SEED": 2**32 - 1, "D_RATE": 0.1, "G_RATE": 0.00001}], ids=str)
def test_the_ends_of_the_settings_work(settings, tmp_path, monkeypatch):
    run(shrink(read(notebook("06")), {"ROUNDS": 20, "ROUNDS_PER_SCENE": 1} | settings), tmp_path, monkeypatch)


def test_visits_count_the_fakes_on_each_hill(book):
    dots = torch.cat([book.ISLANDS[[0] * 3 + [5]], torch.zeros(4, 2)])
    assert book.visits(dots).tolist() == [0.375, 0, 0, 0, 0, 0.125, 0, 0]


def test_the_landscape_has_its_places_right(book):
    """A detective who likes the right side, and the top a little, gives a sheet that is blue there."""
    D = torch.nn.Linear(2, 1)
    D.weight.data, D.bias.data = torch.tensor([[4.0, 1.0]]), torch.zeros(1)
    _, opinions, _ = book.moment("", (D, torch.nn.Sequential(torch.nn.Linear(2, 2)), None, None))
    left_bottom, right_bottom, left_top = opinions[0, 0], opinions[0, -1], opinions[-1, 0]
    assert left_bottom < left_top < 0.5 < right_bottom
    fig = show_fields([("", opinions, torch.zeros(1, 2))], real=torch.ones(3, 2))
    (image,) = fig.axes[0].images
    assert image.origin == "lower" and tuple(image.get_extent()) == (-SHEET, SHEET, -SHEET, SHEET)


# The claims, in a few seeds (ten in benchmarks/playground.py)


@pytest.mark.parametrize("seed", [200, 201])
def test_a_quick_detective_teaches_all_hills_and_a_slow_one_does_not(book, seed):
    def islands(**rates):
        seed_everything(seed)
        game = book.new_game(**rates)
        book.play(game, book.ring, 600)
        return int((book.visits(game[1](torch.randn(2000, 2))) >= 0.01).sum())

    assert islands() == 8
    assert islands(d_rate=book.G_RATE, g_rate=book.D_RATE) <= 3


# The widget


def test_every_button_lets_the_right_player_learn_and_draws_a_new_picture(tmp_path, monkeypatch):
    """Also after *Run all*, whose last cells give other players to `game`."""
    book = shrink(read(notebook("06")), {"ROUNDS": 60, "ROUNDS_PER_SCENE": 1})
    needed = {"setup", "untrained", "slow-motion"}
    book.cells = [c for c in code_cells(book) if c.id in needed or {"parameters", "algorithm"} & set(tags(c))]
    book.cells.append(nbformat.v4.new_code_cell(CLICKS))
    run(book, tmp_path, monkeypatch)


CLICKS = """
how_long.value = 10
assert game[0] is not table["game"][0]
for pressed, changed in zip(buttons, ((True, False), (False, True), (True, True))):
    players = table["game"][:2]
    before, shown = [[p.clone() for p in player.parameters()] for player in players], screen.value
    pressed.click()
    after = [list(player.parameters()) for player in players]
    assert tuple(any((a != b).any() for a, b in zip(x, y)) for x, y in zip(before, after)) == changed
    assert screen.value != shown and screen.value[:4] == b"\\x89PNG"
old = table["game"]
buttons[3].click()
assert table["game"] is not old and screen.value != shown
"""
