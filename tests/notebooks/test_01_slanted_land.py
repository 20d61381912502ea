"""Notebook 01: its own functions reproduce the known numbers, and its gradients, widgets and claims are right."""

import base64
import re

import nbformat
import numpy as np
import pytest
import torch

from tools import ROOT, load_notebook, notebook, printed, read, run, shrink, source_of, tags, text_of


@pytest.fixture(scope="module")
def land():
    return load_notebook("01")


@pytest.fixture(scope="module")
def trained(land):
    D, G = land.new_players()
    return D, G, land.play(D, G, land.FACES, land.ROUNDS)


def embedded(cell, name):
    """Return the bytes of the picture that a Markdown cell carries inside."""
    return base64.b64decode(re.search(rf"^\[{name}\]: data:image/png;base64,(\S+)$", cell.source, re.MULTILINE)[1])


def test_the_strip_at_the_top_is_made_with_the_settings_of_the_page():
    """tests/slides holds slanted-strip.png against its code, which plays the notebook's own game."""
    top = read(notebook("01")).cells[0]
    assert embedded(top, "hero") == (ROOT / "presentation-images" / "slanted-strip.png").read_bytes()


def test_the_picture_of_the_game_comes_before_all_code():
    (cell,) = [cell for cell in read(notebook("01")).cells if cell.id == "the-game"]
    assert embedded(cell, "diagram") == (ROOT / "presentation-images" / "slanted-diagram.png").read_bytes()
    assert len(embedded(cell, "diagram")) < 12_000
    ids = [cell.id for cell in read(notebook("01")).cells]
    assert ids.index("the-game") < ids.index("setup")


def test_a_class_is_explained_before_the_first_one():
    cells = read(notebook("01")).cells
    first = next(i for i, cell in enumerate(cells) if cell.cell_type == "code" and "class " in cell.source)
    explained = text_of(cells[:first])
    assert [word for word in ("**class**", "`__init__`", "`self`", "`__call__`") if word not in explained] == []


def random_players(land, seed):
    np.random.seed(seed)
    return land.Detective(), land.Criminal(), np.random.rand()


# The numbers that the page states


def test_training_ends_with_the_known_weights(trained):
    D, G, _ = trained
    np.testing.assert_allclose(D.weights, [0.60175, -0.29128, -0.40093, 0.37760], atol=6e-6)
    np.testing.assert_allclose(D.bias, -0.89551, atol=6e-6)
    np.testing.assert_allclose(G.weights, [0.70702, 0.03720, -0.45703, 0.79376], atol=6e-6)
    np.testing.assert_allclose(G.biases, [2.48490, -3.36726, -2.90139, 2.81727], atol=6e-6)
    np.testing.assert_allclose(G(0.5), [0.95, 0.03, 0.04, 0.97], atol=0.01)


def test_both_losses_are_the_true_ones_and_end_near_the_coin(land, trained):
    history = trained[2]
    d_real, d_fake = np.array(history.d_real), np.array(history.d_fake)
    np.testing.assert_allclose(history.d_loss, -np.log(d_real) - np.log(1 - d_fake))
    np.testing.assert_allclose(history.g_loss, -np.log(d_fake))
    assert history.steps == list(range(1, land.ROUNDS + 1))
    assert np.mean(history.d_loss[-500:]) == pytest.approx(1.464, abs=5e-4)
    assert np.mean(history.g_loss[-500:]) == pytest.approx(0.683, abs=5e-4)


def test_the_detectives_loss_scores_the_picture_and_not_its_number(land):
    D, G, _ = random_players(land, 0)
    np.random.seed(7)
    face, z = land.FACES[1], np.random.rand()
    np.random.seed(7)
    history = land.play(D, G, [face], 1, rate=0)  # nobody moves, so D and G are still what they were
    assert history.d_loss == pytest.approx([-np.log(D(face)) - np.log(1 - D(G(z)))])


def test_the_log_loss_and_what_one_opinion_costs_both_players(land):
    assert land.loss(0.1, 1) == pytest.approx(2.303, abs=1e-3) == land.loss(0.9, 0)
    assert land.loss(0.9, 1) == pytest.approx(0.105, abs=1e-3)
    assert land.loss(0.68, 1) == pytest.approx(0.386, abs=1e-3)
    assert land.loss(0.68, 0) == pytest.approx(1.139, abs=1e-3)


def test_the_hand_made_detective_is_right_about_all_eight():
    weights = np.array([1, -1, -1, 1])
    names = {"np": np}
    exec(source_of("01", "faces").partition("show_screens")[0], names)
    assert (names["PORTRAITS"] @ weights).tolist() == [1.5, 1.25, 2, 1.25]
    assert (names["NOISE"] @ weights).tolist() == [0, -0.5, -0.5, 0.75]


def test_the_criminal_all_but_stops_listening_to_z(land, trained):
    _, newborn = land.new_players()
    _, G, _ = trained

    def movement(criminal):
        return np.ptp([criminal(z) for z in np.linspace(0, 1, 101)], axis=0).mean()

    assert movement(newborn) == pytest.approx(0.182, abs=5e-4)
    assert movement(G) == pytest.approx(0.022, abs=5e-4)


# Settings


@pytest.mark.parametrize(
    "settings",
    [
        {"ROUNDS": 1, "ROUNDS_PER_COLUMN": 1},
        {"SEED": 2**32 - 1, "LEARNING_RATE": 1, "ROUNDS": 7},
        {"SEED": 0, "LEARNING_RATE": 0.0001, "ROUNDS": 7},
    ],
    ids=str,
)
def test_the_ends_of_the_settings_work(settings, tmp_path, monkeypatch):
    book = shrink(read(notebook("01")), {"ROUNDS": 20, "ROUNDS_PER_COLUMN": 5} | settings)
    run(book, tmp_path, monkeypatch)
    assert [cell.id for cell in book.cells if cell.cell_type == "code" and "Warning" in printed(cell)] == []


@pytest.mark.parametrize(
    "setting",
    [
        "SEED = 20261126120000",
        "SEED = 0.5",
        "LEARNING_RATE = 0",
        "LEARNING_RATE = '0.01'",
        "LEARNING_RATE = 8",
        "ROUNDS = 5000.0",
        "ROUNDS = 0",
        "ROUNDS_PER_COLUMN = [1, 2]",
    ],
)
def test_a_setting_that_does_not_work_is_named_before_anything_is_played(setting):
    names = vars(load_notebook("01"))
    exec(setting, names)
    with pytest.raises(ValueError, match=f"^{setting.split()[0]} = "):
        exec(source_of("01", "check-settings"), names)


# Slopes


def nudge_all(loss_at, knobs):
    """Estimate every slope of a loss: turn each knob a hair up and a hair down."""
    hairs = 1e-5 * np.eye(len(knobs))
    return np.array([(loss_at(knobs + hair) - loss_at(knobs - hair)) / 2e-5 for hair in hairs])


def test_one_nudge_by_hand_finds_the_slope_that_the_rule_says(land):
    names = vars(load_notebook("01", "by-hand", "nudging"))
    hand_made = land.Detective()
    hand_made.weights, hand_made.bias = names["HAND_WEIGHTS"], -1
    perfect = np.array([1, 0, 0, 1])
    slopes, bias_slope = land.detective_gradient(hand_made, perfect, 1)
    assert names["before"] == pytest.approx(land.loss(hand_made(perfect), 1))
    assert names["slope"] == pytest.approx(slopes[0], abs=5e-4) == pytest.approx(bias_slope, abs=5e-4)
    assert round(names["slope"], 3) == -0.269 and slopes[1] == 0, "as the page says"


def test_the_check_that_can_be_copied_agrees_with_the_rules_and_finds_a_wrong_one(capsys):
    (fold,) = re.findall(r"^```python\n(.*?)^```", text_of(read(notebook("01")).cells), re.DOTALL | re.MULTILINE)
    names = vars(load_notebook("01", "faces", "by-hand", "opinion", "newborn"))
    exec(fold, names)
    assert capsys.readouterr().out.count("agree") == 2
    right = names["criminal_gradient"]
    names["criminal_gradient"] = lambda D, G, z: [1.01 * slopes for slopes in right(D, G, z)]
    with pytest.raises(AssertionError):
        exec(fold, names)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("want", [0, 1])
def test_the_detectives_gradient(land, seed, want):
    D, G, z = random_players(land, seed)
    x = G(z)
    weights, bias = land.detective_gradient(D, x, want)
    nudged = nudge_all(lambda k: land.loss(land.sigmoid(k[:4] @ x + k[4]), want), np.append(D.weights, D.bias))
    np.testing.assert_allclose(np.append(weights, bias), nudged, atol=1e-8)

    w, b = torch.tensor(D.weights, requires_grad=True), torch.tensor(D.bias, dtype=torch.float64, requires_grad=True)
    p = torch.sigmoid(w @ torch.tensor(x) + b)
    torch.nn.functional.binary_cross_entropy(p, torch.full_like(p, want)).backward()
    torch.testing.assert_close(w.grad, torch.tensor(weights))
    torch.testing.assert_close(b.grad, torch.tensor(bias, dtype=torch.float64))


@pytest.mark.parametrize("seed", range(5))
def test_the_criminals_gradient(land, seed):
    D, G, z = random_players(land, seed)
    gradient = np.concatenate(land.criminal_gradient(D, G, z))
    knobs = np.concatenate([G.weights, G.biases])
    nudged = nudge_all(lambda k: land.loss(D(land.sigmoid(k[:4] * z + k[4:])), 1), knobs)
    np.testing.assert_allclose(gradient, nudged, atol=1e-8)

    torch_knobs = torch.tensor(knobs, requires_grad=True)
    x = torch.sigmoid(torch_knobs[:4] * z + torch_knobs[4:])
    (-torch.log(torch.sigmoid(torch.tensor(D.weights) @ x + D.bias))).backward()
    torch.testing.assert_close(torch_knobs.grad, torch.tensor(gradient))


def test_each_player_moves_only_its_own_knobs(land):
    D, G, _ = random_players(land, 3)

    def knobs():
        return [np.copy(numbers) for numbers in (D.weights, D.bias, G.weights, G.biases)]

    for turns, moved in (({"g_turns": 0}, [True, True, False, False]), ({"d_turns": 0}, [False, False, True, True])):
        before = knobs()
        land.play(D, G, land.FACES, 10, **turns)
        assert [bool(np.all(old != new)) for old, new in zip(before, knobs(), strict=True)] == moved
        assert [bool(np.any(old != new)) for old, new in zip(before, knobs(), strict=True)] == moved


# The widgets, pressed without a front end

PRESS = """
assert by_hand.widget.result is not None, "the sliders show their picture before they are moved"
first = bytes(screen.value)
assert first.startswith(b"\\x89PNG") and len(table.moments) == 1
knobs = lambda: [np.copy(n) for n in (table.D.weights, table.D.bias, table.G.weights, table.G.biases)]
same = lambda a, b: [bool(np.all(x == y)) for x, y in zip(a, b)]
how_long.value = 50

newborn_knobs = knobs()
buttons[0].click()
assert same(newborn_knobs, knobs()) == [False, False, True, True] and bytes(screen.value) != first
now = knobs()
buttons[1].click()
assert same(now, knobs()) == [True, True, False, False]
now = knobs()
for _ in range(6):
    buttons[2].click()
assert same(now, knobs()) == [False] * 4 and len(table.moments) == 9
buttons[3].click()
assert same(newborn_knobs, knobs()) == [True] * 4 and bytes(screen.value) == first

for knob, value in zip(by_hand.widget.children, (1, -1, -1, 1, 1)):
    knob.value = value
captions = [ax.get_title() for ax in by_hand.widget.result.axes]
assert captions[2] == "score 2.00\\n'face': right" and captions[5] == "score -0.50\\n'noise': right", captions
assert sum("right" in caption for caption in captions) == 8
print("all pressed")
"""


def test_sliders_and_buttons_do_what_they_say(tmp_path, monkeypatch):
    book = shrink(read(notebook("01")), {"ROUNDS": 20, "ROUNDS_PER_COLUMN": 5})
    last = [cell.id for cell in book.cells].index("slow-motion")
    book.cells = [cell for cell in book.cells[: last + 1] if "solution" not in tags(cell)]
    book.cells.append(nbformat.v4.new_code_cell(PRESS))
    run(book, tmp_path, monkeypatch)
    assert printed(book.cells[-1]) == "all pressed\n"
