"""Asking for what one wants: labels and mixtures reach both players, come back after a break, and say what is wrong."""

import math
import re

import pytest
import torch

from gans_workshop import GAN, Discriminator, Generator, LiveView, load_gan, train
from gans_workshop.game.labels import PER_ROW, check_names, row_titles, to_weights

NAMES = {"hair": ["short", "long", "none"], "beard": ["none", "full"]}


def small_gan(classes=10, **options):
    torch.manual_seed(0)
    players = Generator(image_size=16, width=2, latent_dim=4, classes=classes)
    return GAN(players, Discriminator(image_size=16, width=2, classes=classes), **options)


@pytest.fixture
def squares():
    """40 grey squares, and the label of each."""
    labels = torch.arange(40) % 10
    return (labels * 25).byte()[:, None, None, None].expand(-1, 1, 16, 16).contiguous(), labels


# What the players are told


def test_labels_become_one_hot_weights():
    assert torch.equal(to_weights([2, 0], 3, 2), torch.tensor([[0.0, 0, 1], [1, 0, 0]]))
    assert torch.equal(to_weights([[2, 1]], (3, 2), 1), torch.tensor([[0.0, 0, 1, 0, 1]]))
    mixture = torch.tensor([[0.5, 0.5, 0], [0, 0, 1]])
    assert torch.equal(to_weights(mixture, 3, 2), mixture)
    assert to_weights(None, 0, 7) is None


def test_without_classes_the_players_are_as_they_were():
    torch.manual_seed(0)
    generator, discriminator = Generator(), Discriminator()
    after = torch.rand(1)
    torch.manual_seed(0)
    twins = Generator(classes=0), Discriminator(classes=0)
    assert torch.equal(after, torch.rand(1)) and generator.classes == 0
    for network, twin in zip((generator, discriminator), twins):
        assert all(name.startswith("layers.") for name in network.state_dict())
        assert all(torch.equal(a, b) for a, b in zip(network.state_dict().values(), twin.state_dict().values()))


def test_the_generator_is_told_beside_z():
    generator = Generator(classes=(3, 2)).eval()
    assert generator.layers[0].in_features == 64 + 5 and generator.classes == (3, 2)
    z = torch.randn(4, 64)
    labels = torch.tensor([[0, 1], [2, 1], [0, 0], [1, 1]])
    rows = torch.tensor([[1.0, 0, 0, 0, 1], [0, 0, 1, 0, 1], [1, 0, 0, 1, 0], [0, 1, 0, 0, 1]])
    torch.testing.assert_close(generator(z, labels), generator.layers(torch.cat([z, rows], 1)))


def test_the_discriminator_projects():
    discriminator, images, labels = Discriminator(classes=10), torch.randn(5, 1, 28, 28), torch.tensor([3, 1, 4, 1, 5])
    torch.nn.init.normal_(discriminator.directions.weight)
    h = discriminator.layers[:-1](images)
    w, bias, directions = *discriminator.layers[-1].parameters(), discriminator.directions.weight.T
    for logit, features, label in zip(discriminator(images, labels), h, labels):
        torch.testing.assert_close(logit, w @ features + bias + directions[label] @ features)


def test_a_mixture_lies_between_its_classes():
    discriminator, image = Discriminator(classes=2).eval(), torch.randn(1, 1, 28, 28)
    half = discriminator(image, torch.tensor([[0.5, 0.5]]))
    torch.testing.assert_close(half, (discriminator(image, [0]) + discriminator(image, [1])) / 2)


@pytest.mark.parametrize("classes", [1, -2, 2.5, "ten", (5, 1), (5, 0)])
def test_a_wrong_number_of_classes_is_one_sentence(classes):
    for player in (Generator, Discriminator):
        with pytest.raises(ValueError, match=r"classes=.* must be a whole number of at least 2"):
            player(classes=classes)


# The game


def test_the_preview_has_a_row_for_each_class_with_the_same_z_across():
    gan = small_gan()
    z, labels = gan.fixed_z.view(10, PER_ROW, 4), gan.fixed_condition.view(10, PER_ROW)
    assert (z == z[0]).all() and (labels == torch.arange(10)[:, None]).all()
    assert gan.preview().shape == (80, 1, 16, 16)
    assert row_titles(gan.fixed_condition, 10, None) == list("0123456789")
    gan = small_gan((3, 2), class_names=NAMES)
    assert row_titles(gan.fixed_condition, (3, 2), NAMES) == ["short, none", "long, full", "none, none"]
    assert len(small_gan(40).fixed_condition) == 12 * PER_ROW, "a page has an end"
    gan = small_gan(fixed_condition=torch.tensor([[0.5, 0.5] + 8 * [0]]).repeat(16, 1))
    assert len(gan.preview()) == 16 and row_titles(gan.fixed_condition, 10, None) == []


@pytest.mark.parametrize("classes", [10, (2, 5)])
@pytest.mark.parametrize("kind", ["labels", "mixtures"])
def test_it_is_watched_saved_and_goes_on_exactly(squares, classes, kind, tmp_path, bits, same):
    images, labels = squares
    if classes != 10:
        labels = torch.stack([labels // 5, labels % 5], 1)
    told = labels if kind == "labels" else to_weights(labels, classes, 40)
    whole, view = small_gan(classes), LiveView()
    train(whole, images, conditions=told, steps=6, batch_size=8, watch=view)
    assert len(view.film.frames[-1]) == len(whole.fixed_z)
    train(small_gan(classes), images, conditions=told, steps=2, batch_size=8, checkpoint=tmp_path)
    again = small_gan(classes)
    train(again, images, conditions=told, steps=4, batch_size=8, checkpoint=tmp_path)
    loaded = load_gan(tmp_path)
    assert loaded.generator.classes == classes and torch.equal(loaded.preview(), again.preview())
    train(loaded, images, conditions=told, steps=6, batch_size=8, checkpoint=tmp_path)
    assert same(bits(whole), bits(loaded))


def test_names_come_back_with_the_gan(squares, tmp_path):
    names = [f"grey {n}" for n in range(10)]
    gan = small_gan(class_names=names)
    train(gan, squares[0], conditions=squares[1], steps=1, batch_size=8, checkpoint=tmp_path)
    assert load_gan(tmp_path).class_names == names
    nameless = small_gan()
    train(nameless, squares[0], conditions=squares[1], steps=2, batch_size=8, checkpoint=tmp_path)
    assert nameless.class_names == names, "who gives no names takes those of the folder"
    with pytest.raises(
        ValueError, match=r"GAN that has the classes \['grey 0'.*and this one has \['cat'.*Nothing there"
    ):
        other = small_gan(class_names=["cat", *names[1:]])
        train(other, squares[0], conditions=squares[1], steps=3, batch_size=8, checkpoint=tmp_path)


def test_a_folder_of_another_kind_of_game_is_refused(squares, tmp_path):
    images, labels = squares
    train(small_gan(0), images, steps=1, batch_size=8, checkpoint=tmp_path / "none")
    with pytest.raises(ValueError, match="holds the training of a GAN that learns without labels"):
        train(small_gan(), images, conditions=labels, steps=2, checkpoint=tmp_path / "none")
    train(small_gan(), images, conditions=labels, steps=1, batch_size=8, checkpoint=tmp_path / "ten")
    with pytest.raises(ValueError, match="holds the training of a GAN that learns with labels"):
        train(small_gan(0), images, steps=2, checkpoint=tmp_path / "ten")
    two = torch.stack([labels // 5, labels % 5], 1)
    train(small_gan((2, 5)), images, conditions=two, steps=1, batch_size=8, checkpoint=tmp_path / "two")
    with pytest.raises(ValueError, match=r"learns from|is told about other classes"):
        train(small_gan((5, 2)), images, conditions=two.flip(1), steps=2, checkpoint=tmp_path / "two")
    assert small_gan((5, 2)).misfit(small_gan((2, 5)).state_dict()) == "is told about other classes"


# One sentence for each mistake

TEN = "labels are whole numbers (N,) from 0 to 9"
WRONG = [
    (None, f"Say what to draw, as in gan.sample(4, labels): {TEN}, one for each picture."),
    ([1, 2, 3], "There are 3 labels for 4 pictures: give one for each."),
    (7, "There are 1 labels for 4 pictures: give one for each."),
    ([1, 2, 3, 10], f"There is no class 10: {TEN}."),
    ([1, 2, 3, -1], f"There is no class -1: {TEN}."),
    ([1.0, 2.0, 3.0, 4.0], "The labels are floats of shape (4,): use labels.long(), or for mixtures weights (N, 10)"),
    (torch.full((4, 10), 0.2), "The weights of picture 0 are no mixture, [0.2"),
    (torch.full((4, 10), math.nan), "The weights of picture 0 are no mixture, [nan"),
    (torch.tensor([[2.0, -1] + 8 * [0]] * 4), "The weights of picture 0 are no mixture, [2.0, -1.0"),
    (torch.zeros(4, 10).long(), f"The labels have shape (4, 10): {TEN}, and mixtures are floats (N, 10)."),
    (["a", "b", "c", "d"], f"These are no labels that a GAN can read: {TEN}."),
]


@pytest.mark.parametrize(("labels", "sentence"), WRONG, ids=[sentence[:30] for _, sentence in WRONG])
def test_labels_that_cannot_be_are_one_sentence(labels, sentence):
    gan = small_gan()
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        gan.sample(4, labels)


def test_several_attributes_say_how_many_columns():
    words = re.escape("labels are whole numbers (N, 2), 0 to 2, 0 to 1")
    with pytest.raises(ValueError, match=rf"shape \(4,\): {words}"):
        small_gan((3, 2)).sample(4, [0, 1, 0, 1])
    with pytest.raises(ValueError, match=f"There is no class 2: {words}"):
        small_gan((3, 2)).sample(1, [[0, 2]])
    with pytest.raises(ValueError, match="for each attribute they are not below 0 and sum to 1"):
        small_gan((3, 2)).sample(1, torch.tensor([[1.0, 0, 0, 0.9, 0.9]]))


def test_one_without_labels_says_so():
    with pytest.raises(ValueError, match="This GAN learned without labels: draw with"):
        small_gan(0).sample(4, [1, 2, 3, 4])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda labels: None, "This GAN learns with labels: train(gan, images, conditions=labels), 40 of them."),
        (lambda labels: labels[:39], "There are 39 labels for 40 pictures"),
        (lambda labels: labels + 1, "There is no class 10"),
        (lambda labels: labels.float(), "The labels are floats"),
        (lambda labels: labels.clamp(max=8), "No picture is of class 9: leave it out"),
    ],
)
def test_a_training_set_that_cannot_be_is_one_sentence_and_nothing_is_lost(squares, change, words):
    gan = small_gan()
    train(gan, squares[0], conditions=squares[1], steps=1, batch_size=8)
    with pytest.raises(ValueError, match=f"^{re.escape(words)}"):
        train(gan, squares[0], conditions=change(squares[1]), steps=2)
    train(gan, squares[0], conditions=squares[1].tolist(), steps=2, batch_size=8)
    assert gan.step == 2


def test_a_class_without_pictures_is_called_by_its_name(squares):
    labels = torch.zeros(40, 2).long()
    labels[0, 0], labels[1, 0] = 1, 2
    with pytest.raises(ValueError, match="No picture is of class full: leave it out"):
        train(small_gan((3, 2), class_names=NAMES), squares[0], conditions=labels, steps=1)


@pytest.mark.parametrize(("classes", "names"), [(3, ["a", "b"]), (3, "abc"), ((3, 2), ["a", "b", "c"]), (0, ["a"])])
def test_names_that_do_not_fit_are_one_sentence(classes, names):
    with pytest.raises(ValueError, match=r"class_names=.* do not fit: give"):
        check_names(names, classes)


def test_players_that_know_other_classes_do_not_play():
    for theirs in (0, 5, (5, 5)):
        with pytest.raises(ValueError, match=r"G has classes=10 and D classes=.*: both must be the same\."):
            GAN(Generator(width=2, classes=10), Discriminator(width=2, classes=theirs))
