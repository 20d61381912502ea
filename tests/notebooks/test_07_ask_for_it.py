"""Notebook 07: the three detectives do what the page says of them, and what it measures is measured rightly."""

import ast
import re

import pytest
import torch
from torch import nn

from gans_workshop import GAN, Discriminator, Generator, load_faces, train
from tools import load_notebook, notebook, read, source_of, text_of

CELLS = ["one-hot", "three-ways", "projection"]


@pytest.fixture
def book():
    torch.manual_seed(0)
    return load_notebook("07", *CELLS)


@pytest.mark.parametrize(("way", "hears"), [("Beside", False), ("Maps", True), ("Projection", True)])
def test_only_the_late_label_is_the_same_for_every_picture(book, way, hears):
    detective, pictures = getattr(book, way)().eval(), book.images[:20]
    for weights in detective.parameters():
        nn.init.normal_(weights, 0, 0.1)
    with torch.no_grad():
        threes, sevens = (detective(pictures, torch.full((20,), label)) for label in (3, 7))
    spread = (sevens - threes).std()
    assert (spread > 1e-3) == hears


def test_the_page_has_the_projection_of_the_package(book):
    ours, theirs = book.Projection(), Discriminator(classes=10)
    theirs.layers[:-1].load_state_dict(ours.features.state_dict())
    theirs.layers[-1].load_state_dict(ours.w.state_dict())
    theirs.directions.load_state_dict(ours.E.state_dict())
    torch.testing.assert_close(ours(book.images[:9], book.labels[:9]), theirs(book.images[:9], book.labels[:9]))
    with pytest.raises(AssertionError):
        torch.testing.assert_close(ours(book.images[:9], book.labels[:9]), theirs(book.images[:9], book.labels[1:10]))


@pytest.mark.parametrize("way", ["Beside", "Maps", "Projection"])
def test_each_way_plays_with_the_generator_of_the_package(book, way):
    gan = GAN(Generator(classes=10, width=2), getattr(book, way)())
    train(gan, book.digits[:64], conditions=book.labels[:64], steps=2, batch_size=16)
    assert gan.step == 2


def test_a_mixture_has_the_shares_that_were_asked_for(book):
    source = source_of("07", "mixture")
    (function,) = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    exec(ast.unparse(function), names := vars(book))
    mixed = names["mix"](4, 9, 0.25)
    assert mixed.shape == (1, 10) and mixed[0, 4] == 0.75 and mixed[0, 9] == 0.25 and mixed.sum() == 1


def test_the_wish_and_the_settings_are_there(book):
    values = load_faces(attributes=book.ATTRIBUTES)[2]
    wish = ast.literal_eval(re.search(r"^wish = (\{.*\})", source_of("07", "ask-face"), flags=re.MULTILINE)[1])
    assert all(name in values[attribute] for attribute, name in wish.items())
    exec(source_of("07", "check"), {name: value for name, value in vars(book).items() if name.isupper()})
    for name, wrong in (("SEED", -1), ("ROUNDS", "2000"), ("FACE_BATCH", 1), ("FACE_RATE", 5)):
        names = {name: value for name, value in vars(book).items() if name.isupper()} | {name: wrong}
        with pytest.raises(ValueError, match=f"{name} = .*: write a"):
            exec(source_of("07", "check"), names)


def test_the_licence_of_the_faces_is_on_the_page():
    text = text_of(read(notebook("07")).cells)
    assert "toon-head* by Johan Melin, CC BY 4.0" in text
