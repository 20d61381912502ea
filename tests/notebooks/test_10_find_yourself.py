"""Notebook 10: the search of the page finds, what it compares forgives what it should, and bad drawings are named."""

import pytest
import torch
from PIL import Image

from gans_workshop import Generator, load_digits, nearest_images, project, to_float
from tools import load_notebook, notebook, read, source_of, text_of

CELLS = ["pixel-loss", "by-hand", "find", "move", "eye", "features", "align", "example-drawings", "class-photo"]


@pytest.fixture
def book():
    """What the page defines, with a small generator that draws strongly; its loops are not run."""
    torch.manual_seed(0)
    space = load_notebook("10")
    space.generator = Generator(width=4).eval().requires_grad_(False)
    for weights in space.generator.parameters():
        weights.copy_(torch.randn_like(weights) / max(1, weights[0].numel()) ** 0.5)
    for cell in CELLS:
        source = source_of("10", cell)
        for stop in ("\nseed_everything", "\ndrawings = ", "\naside = "):
            source = source.partition(stop)[0]
        exec(source, vars(space))
    return space


def test_the_loss_is_one_number_for_each_picture(book):
    black, white = -torch.ones(3, 1, 28, 28), torch.ones(3, 1, 28, 28)
    white[2] = 0
    assert book.loss_of(book.pixels)(black, white).tolist() == [4, 4, 1]


def test_the_best_try_is_the_nearest_of_all_that_were_tried(book):
    targets = book.own_pictures(4)
    torch.manual_seed(1)
    z = book.best_try(targets, book.pixels)
    torch.manual_seed(1)
    tries = torch.randn(book.TRIES, 64)
    places = nearest_images(targets, book.generator(tries))[1]
    torch.testing.assert_close(z, tries[places])


def test_a_search_comes_nearer_than_the_best_try(book):
    targets, loss = book.own_pictures(8), book.loss_of(book.pixels)
    torch.manual_seed(1)
    tried = loss(book.generator(book.best_try(targets, book.pixels)), targets)
    torch.manual_seed(1)
    found = loss(book.generator(book.find(targets, book.pixels, steps=60)), targets)
    assert (found < tried).all() and found.mean() < 0.6 * tried.mean()


def test_the_pages_own_loop_is_the_packages(book):
    space = vars(book) | {"SEARCH_STEPS": 4}
    for cell in ("by-hand", "packaged"):  # the second one compares
        exec(source_of("10", cell), space)
    with pytest.raises(AssertionError):
        torch.testing.assert_close(
            project(book.generator, space["start"], space["own"], **space["options"] | {"pull": 100}), space["by_hand"]
        )


def test_pictures_move_and_come_back_to_the_middle(book):
    digits = to_float(load_digits(test=True)[0][:50])
    aside = book.moved(digits, -4)
    torch.testing.assert_close(aside[..., :24], digits[..., 4:])
    assert (aside[..., 24:] == -1).all() and aside.shape == digits.shape
    whole = (digits[..., :4] == -1).all((1, 2, 3))
    assert whole.sum() > 30, "these lose nothing at the edge"
    torch.testing.assert_close(book.centred(aside)[whole], book.centred(digits)[whole])
    assert torch.equal(book.centred(-torch.ones(1, 1, 28, 28)), -torch.ones(1, 1, 28, 28)), "an empty sheet stays"


def test_the_eye_learns_and_what_it_holds_has_about_the_size_of_one(book):
    digits, labels = load_digits()
    eye = book.make_eye()
    before = eye(to_float(digits[:500])).argmax(1)
    book.teach(eye, digits, labels, steps=80)
    after = eye(to_float(digits[:500])).argmax(1)
    assert (after == labels[:500]).float().mean() > (before == labels[:500]).float().mean() + 0.3
    look = book.features_of(eye, digits)
    seen = look(to_float(digits[:100]))
    assert seen.shape == (100, 16 * 14 * 14 + 32 * 7 * 7 + 64) and 0.1 < seen.square().mean() < 20
    assert not any(weights.requires_grad for weights in eye.parameters())
    last = book.features_of(eye, digits, weights=(0, 0, 1))(to_float(digits[:100]))
    assert (last[:, :-64] == 0).all() and last[:, -64:].any()


def test_a_folder_of_photos_is_read_and_those_that_fail_are_named(book, tmp_path, capsys):
    good = to_float(book.draw_strokes("line 10 10 50 50\noval 8 8 40 40", image_size=128))
    picture = ((good[0, 0] + 1) * 127.5).byte().numpy()
    Image.fromarray(picture).save(tmp_path / "anna.png")
    Image.new("RGB", (90, 60), "white").save(tmp_path / "empty.png")
    Image.merge("RGBA", [Image.fromarray(picture)] * 3 + [Image.new("L", (128, 128), 255)]).save(tmp_path / "ben.png")
    (tmp_path / "notes.txt").write_text("no drawing")
    drawings = book.read_drawings(tmp_path)
    said = capsys.readouterr().out
    assert drawings.shape == (2, 1, 28, 28) and drawings.max() > 0.5 and drawings[:, :, 0, 0].max() == -1
    assert "empty.png is left out: 0.0% of the photo are lines" in said and "notes.txt is left out" in said


def test_no_folder_and_no_drawing_are_said(book, tmp_path):
    with pytest.raises(AssertionError, match="There is no folder"):
        book.read_drawings(tmp_path / "nobody")
    Image.new("L", (90, 60), "white").save(tmp_path / "empty.png")
    with pytest.raises(AssertionError, match=r"No photo in .* could be used"):
        book.read_drawings(tmp_path)


def test_our_ten_drawings_are_white_on_black_and_none_is_empty(book):
    drawings = book.centred(book.read_examples())
    assert drawings.shape == (10, 1, 28, 28)
    ink = (drawings > 0).float().mean((1, 2, 3))
    assert (ink > 0.05).all() and (ink < 0.4).all()


def test_wrong_settings_are_named():
    names = {name: value for name, value in vars(load_notebook("10")).items() if name.isupper()}
    exec(source_of("10", "check"), dict(names))
    wrong = {"SEED": -1, "TRIES": 0, "COUNT": 5, "RATE": 1000, "PULL": -1, "ROUNDS": "many", "EYE_STEPS": 0}
    for name, value in wrong.items():
        with pytest.raises(ValueError, match=rf"{name} = .*: write"):
            exec(source_of("10", "check"), names | {name: value})


def test_both_losses_are_called_by_their_names():
    text = text_of(read(notebook("10")).cells)
    assert "Pixel loss compares pixels; perceptual loss compares features of a trained network." in text
