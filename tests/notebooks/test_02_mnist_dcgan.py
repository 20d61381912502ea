"""Notebook 02: what is written by hand is what the package computes; the page shows both, and a whole GAN."""

import ast
import base64
import copy
import csv
import inspect
import io
import re
from types import SimpleNamespace

import matplotlib.pyplot as plt
import pytest
import torch
from PIL import Image

from gans_workshop import (
    GAN,
    Discriminator,
    Generator,
    discriminator_step,
    generator_step,
    load_digits,
    minimax,
    non_saturating,
    train,
)
from tools import ROOT, load_notebook, notebook, read, source_of

CELLS = ["digits", "scale", "generator", "untrained", "discriminator", "detach", "passes"]


@pytest.fixture
def book():
    """The page's two players, untrained, with its two passes."""
    torch.manual_seed(0)
    book = load_notebook("02", *CELLS, BATCH_SIZE=32)
    book.z = torch.randn(32, book.LATENT_DIM)
    return book


def twin_of(book):
    """A packaged GAN with the weights of the page and what its optimizers remember, and both z that it will draw."""
    twin = GAN(Generator(latent_dim=book.LATENT_DIM), Discriminator())
    twin.generator.layers.load_state_dict(book.generator.state_dict())
    twin.discriminator.layers.load_state_dict(book.discriminator.state_dict())
    twin.g_optimizer.load_state_dict(copy.deepcopy(book.g_optimizer.state_dict()))
    twin.d_optimizer.load_state_dict(copy.deepcopy(book.d_optimizer.state_dict()))
    dice = twin.random.get_state()
    both = twin.draw_z(32), twin.draw_z(32)
    twin.random.set_state(dice)
    return twin, both


def gradient(network):
    return torch.cat([parameter.grad.flatten() for parameter in network.parameters()])


def test_the_detectives_pass_is_that_of_the_package(book):
    before = [parameter.clone() for parameter in book.generator.parameters()]
    twin, (first_z, _) = twin_of(book)
    book.update_d(book.images[:32], first_z)
    discriminator_step(twin, book.images[:32])
    mine, packaged = gradient(book.discriminator), gradient(twin.discriminator)
    assert (mine - packaged).norm() < 0.01 * mine.norm()
    assert all(torch.equal(old, new) for old, new in zip(before, book.generator.parameters()))
    assert all(parameter.grad is None for parameter in book.generator.parameters())


def test_the_criminals_pass_is_that_of_the_package(book):
    before = [parameter.clone() for parameter in book.discriminator.parameters()]
    twin, (first_z, _) = twin_of(book)
    book.update_g(first_z)
    generator_step(twin, 32)
    mine, packaged = gradient(book.generator), gradient(twin.generator)
    assert (mine - packaged).norm() < 0.01 * mine.norm()
    assert all(torch.equal(old, new) for old, new in zip(before, book.discriminator.parameters()))


def test_a_round_by_hand_and_a_packaged_one_are_the_same(book):
    """As the page says: given the same weights, digits and z, after some rounds by hand."""
    for step in range(3):
        book.update_d(book.images[32 * step : 32 * step + 32], torch.randn(32, book.LATENT_DIM))
        book.update_g(torch.randn(32, book.LATENT_DIM))
    twin, (first_z, second_z) = twin_of(book)
    yours = book.update_d(book.images[:32], first_z), book.update_g(second_z)
    packaged = discriminator_step(twin, book.images[:32]).d_loss, generator_step(twin, 32)
    torch.testing.assert_close(yours, packaged, rtol=0.001, atol=0.001)
    assert (book.generator(book.z) - twin.generator(book.z)).abs().mean() < 0.005  # both have learned the same


def test_a_gradient_of_another_loss_would_be_noticed(book):
    """The bound of the two tests above tells the two forms of G's loss apart."""
    found = []
    for loss in (non_saturating, minimax):
        book.generator.zero_grad()
        loss.generator(book.discriminator(book.generator(book.z))).backward()
        found.append(gradient(book.generator))
    assert (found[0] - found[1]).norm() > 0.1 * found[0].norm()


def test_detach_cuts_the_string_to_the_criminal(book):
    book.who_gets_gradients(book.generator(book.z).detach())
    assert all(parameter.grad is None for parameter in book.generator.parameters())
    book.who_gets_gradients(book.generator(book.z))
    assert gradient(book.generator).norm() > 0


@pytest.mark.parametrize("logit", [-4.0, -6.0, 0.0, 2.0])
def test_the_two_wishes_are_those_of_the_package(capsys, logit):
    source = source_of("02", "two-wishes")
    assert source.count("tensor(-4.0,") == 1
    exec(source.replace("tensor(-4.0,", f"tensor({logit},"), {"torch": torch})
    shown = [float(found) for found in re.findall(r"slope (\S+)", capsys.readouterr().out)]
    for loss, slope in zip((minimax, non_saturating), shown, strict=True):
        logits = torch.tensor([[logit]], requires_grad=True)
        assert slope == pytest.approx(torch.autograd.grad(loss.generator(logits), logits)[0].item(), abs=0.001)


# What the page lets a student set, and what it chooses for itself


USABLE = {"SEED": [0, 7], "LATENT_DIM": [1, 1000], "BATCH_SIZE": [2, 1000], "LEARNING_RATE": [1e-4, 0.1, 0.05]}
NOT_USABLE = {
    "SEED": ["42", -1, 1.5, [42], True],
    "LATENT_DIM": ["64", 0, -1, 1.5, 100_000, [64], None],
    "BATCH_SIZE": ["64", 1, 0, -1, 64.0, 10**6, [64]],
    "LEARNING_RATE": ["0.003", 0, -0.003, 3, [0.003], float("nan")],
    "HAND_STEPS": ["150", 0, -1, 2.5, [150]],
    "ROUNDS": ["2500", 0, -1, 2.5, [2500], float("inf")],
    "SHORT_STEPS": ["300", 0, -1, 2.5, [300]],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in USABLE.items() for value in values])
def test_a_usable_setting_trains_and_is_drawn(name, value):
    book = load_notebook("02", "players")
    setattr(book, name, value)
    exec(source_of("02", "check-settings"), vars(book))
    exec(source_of("02", "players"), vars(book))
    train(book.gan, load_digits()[0], steps=2, batch_size=book.BATCH_SIZE)
    assert book.gan.preview().isfinite().all() and book.gan.is_finite()


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in NOT_USABLE.items() for value in values])
def test_a_setting_that_cannot_work_is_named_before_the_work(name, value):
    book = load_notebook("02")
    setattr(book, name, value)
    with pytest.raises(ValueError, match=f"^{name} = .*: write a .*number from"):
        exec(source_of("02", "check-settings"), vars(book))


def walk_stops(drawn, digits):
    """The pictures of a GAN that draws these 64 among which the page's walk goes."""
    names = {"digits": digits, "torch": torch, "gan": SimpleNamespace(preview=lambda: drawn)}
    exec(source_of("02", "ends"), names)
    return names["stops"]


def test_the_walk_goes_from_one_well_drawn_digit_to_another():
    digits, _ = load_digits()
    drawn = 255 - digits[:64]  # negatives, which look like no digit
    drawn[40], drawn[50] = digits[0], digits[1]  # a five and a zero
    assert set(walk_stops(drawn, digits)[:2]) == {40, 50}


@pytest.mark.parametrize("digit", [1, 7])
def test_a_walk_is_there_even_if_only_one_digit_is_drawn(digit):
    digits, labels = load_digits()
    assert len(set(walk_stops(digits[labels == digit][:64], digits)[:6])) == 6


def test_sevens_can_be_picked_tomorrow(page):
    """With what the first cell and that of tomorrow bring, and nothing else of the page."""
    (cell,) = [cell for cell in page.cells if cell.id == "s7-seven"]
    (source,) = re.findall(r"^```python\n(.*?)\n```$", cell.source, flags=re.MULTILINE | re.DOTALL)
    digits, labels = load_digits()
    shown = []
    names = {"again": SimpleNamespace(sample=lambda count: digits[:count])}
    names["show_images"] = lambda images, columns: shown.append(images)
    exec(source, names)
    assert abs(len(shown[0]) - (labels[:500] == 7).sum()) < 5


def test_what_the_page_calls_usual_holds_at_half_and_at_twice_its_rounds():
    """Every mean that was measured is within the ranges with which the page compares."""
    (call,) = [node for node in ast.walk(ast.parse(source_of("02", "compare"))) if isinstance(node, ast.Call)]
    assert ast.unparse(call) == "compare_with_page(gan.history, ours, rounds=2500)"
    ranges = ast.literal_eval(re.search(r"^ours = (.*)$", source_of("02", "compare"), flags=re.MULTILINE)[1])
    with open(ROOT / "benchmarks" / "results" / "digits_drift_seeds.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rounds = load_notebook("02").ROUNDS
    assert rounds == 2500 and {int(row["rounds"]) for row in rows} == {rounds // 2, rounds, 2 * rounds}
    for name, (low, high) in ranges.items():
        assert [row for row in rows if not low <= float(row[name]) <= high] == []
    assert {row["the doctor"] for row in rows} == {"healthy"}, "the page says: train on"


def test_every_embedded_picture_is_one_that_our_code_made(page):
    """The same bytes are in presentation-images, whose pictures are tested there; a film is no larger than 250 kB."""
    kept = {path.read_bytes(): path for path in (ROOT / "presentation-images").iterdir() if path.is_file()}
    found = re.findall(
        r"^\[\w+\]: data:image/(\w+);base64,(\S+)$", "\n".join(c.source for c in page.cells), re.MULTILINE
    )
    names = [kept[base64.b64decode(data, validate=True)].name for _, data in found]
    assert names == ["digits.png", "digits-film.gif", "staircase.png", "window.png", "game-diagram.png"]
    assert [kind for kind, _ in found] == [name.rpartition(".")[2] for name in names]
    film = Image.open(io.BytesIO(base64.b64decode(found[1][1])))
    assert film.n_frames > 8 and len(base64.b64decode(found[1][1])) <= 250_000


# The two functions side by side, and the whole GAN on one page


@pytest.fixture(scope="module")
def page():
    return read(notebook("02"))


@pytest.fixture(scope="module")
def difference(page):
    """The cell that shows both functions: (the lines of the block, the text after it)."""
    (cell,) = [cell for cell in page.cells if cell.id == "s6-difference"]
    _, block, reasons = re.split(r"^```(?:diff)?\n", cell.source, flags=re.MULTILINE)
    return block.splitlines(), reasons


def function_lines(text, name):
    """The lines of a function as they are written, without its docstring and without empty lines."""
    (function,) = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name == name]
    docstring = function.body[0] if ast.get_docstring(function) else None
    left_out = range(docstring.lineno, docstring.end_lineno + 1) if docstring else ()
    lines = enumerate(text.splitlines(), start=1)
    wanted = [line for i, line in lines if function.lineno <= i <= function.end_lineno and i not in left_out]
    return [line for line in wanted if line.strip()]


def test_the_difference_shows_both_functions_as_they_are(page, difference):
    lines, _ = difference
    assert {line[0] for line in lines} == set("-+ ")
    yours = [line[1:] for line in lines if line[0] in "- "]
    packaged = [line[1:] for line in lines if line[0] in "+ "]
    (passes,) = [cell for cell in page.cells if cell.id == "passes"]
    assert yours == function_lines(passes.source, "update_d")
    assert packaged == function_lines(inspect.getsource(discriminator_step), "discriminator_step")
    assert set(yours) & set(packaged) == {line[1:] for line in lines if line[0] == " "}, "the same line is shown once"


def test_each_reason_names_what_is_new(difference):
    lines, reasons = difference
    new = "\n".join(line for line in lines if line[0] == "+")
    named = re.findall(r"^- `(\w+)`: \w", reasons, flags=re.MULTILINE)
    assert named and [name for name in named if not re.search(rf"\b{name}\b", new)] == []


def test_the_whole_gan_on_one_page_runs_without_the_package(page):
    (cell,) = [cell for cell in page.cells if cell.id == "next"]
    (source,) = re.findall(r"^```python\n(.*?)\n```$", cell.source, flags=re.MULTILINE | re.DOTALL)
    assert len(source.splitlines()) == 60  # as the page says
    assert source.count("range(1, 601)") == 1
    assert set(re.findall(r"^(?:import|from) (\w+)", source, flags=re.MULTILINE)) == {"matplotlib", "torch"}
    names = {"digits": torch.randint(256, (70, 1, 28, 28), dtype=torch.uint8)}
    try:
        exec(source.replace("range(1, 601)", "range(1, 3)"), names)
        (axes,) = plt.gcf().axes
        assert axes.images and axes.get_title()
    finally:
        plt.close("all")
    assert torch.isfinite(names["d_loss"] + names["g_loss"])
