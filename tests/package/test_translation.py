"""From picture to picture: the U-Net keeps places, the detective sees patches of pairs, and their game is safe."""

import pytest
import torch

from gans_workshop import GAN, LiveView, PatchDiscriminator, UNet, load_gan, pix2pix, seed_everything, to_float, train
from gans_workshop.view.flatten import fold, list_steps, play


def game(**options):
    seed_everything(1)
    options = {"loss": pix2pix, "fixed_condition": GIVEN[:4], "seed": 2} | options
    return GAN(UNet(image_size=32, width=2), PatchDiscriminator(image_size=32, width=2), **options)


DICE = torch.Generator().manual_seed(0)
WANTED = torch.randint(0, 256, (24, 3, 32, 32), dtype=torch.uint8, generator=DICE)
GIVEN = WANTED.float().mean(1, keepdim=True).byte()


@pytest.mark.parametrize("size", [32, 48, 64, 128, 256])
@pytest.mark.parametrize(("given", "channels", "width"), [(1, 3, 4), (3, 1, 3), (3, 3, 2), (5, 2, 1)])
def test_a_picture_becomes_a_picture_of_its_size(size, given, channels, width):
    network = UNet(image_size=size, channels=channels, given_channels=given, width=width)
    pictures = torch.rand(2, given, size, size) * 2 - 1
    made = network(torch.zeros(2, 1), pictures)
    assert made.shape == (2, channels, size, size) and made.abs().max() <= 1
    assert torch.equal(made, network(torch.ones(2, 1), pictures)), "there are no dice"


def test_each_step_up_sees_its_twin_of_the_way_down():
    """The first weights' inputs: the sheet from below and the one from beside are equally many."""
    shapes = [tuple(layer.weight.shape[:2]) for layer in UNet(width=4).modules() if isinstance(layer, torch.nn.Conv2d)]
    down, up = [(4, 1), (8, 4), (16, 8), (32, 16)], [(16, 32), (8, 32), (4, 16), (4, 8)]
    assert shapes == [*down, *up, (3, 5)]


def test_a_pixel_reaches_the_whole_picture_and_its_own_place_at_once():
    network, pictures = UNet(width=4).eval(), torch.zeros(1, 1, 64, 64, requires_grad=True)
    for weights in network.parameters():
        torch.nn.init.normal_(weights, 0, 0.2)
    (reach,) = torch.autograd.grad(network(None, pictures)[0, 0, 32, 32], pictures)
    far = (reach[0, 0] != 0).nonzero()
    assert far.min() <= 4 and far.max() >= 60, "through the depth"
    assert reach[0, 0, 32, 32].abs() > 10 * reach[0, 0, 8, 8].abs(), "over the skip connection"


def test_the_detective_judges_patches_of_46_pixels_of_the_pair():
    detective, pictures = PatchDiscriminator(width=2).eval(), torch.zeros(1, 3, 64, 64, requires_grad=True)
    given = torch.zeros(1, 1, 64, 64, requires_grad=True)
    for weights in detective.parameters():
        torch.nn.init.uniform_(weights, 0.1, 0.2)
    logits = detective(pictures, given)
    assert logits.shape == (49, 1)
    for seen in torch.autograd.grad(logits[24, 0], (pictures, given)):
        rows, columns = (seen[0].abs().sum(0) > 0).nonzero().T
        assert len(rows) == 46 * 46 and rows.max() - rows.min() == columns.max() - columns.min() == 45
    two = detective(torch.cat([pictures, pictures + 1]), given.expand(2, -1, -1, -1))
    assert torch.equal(two[:49], logits) and not torch.equal(two[49:], logits), "picture after picture"


@pytest.mark.parametrize("size", [0, 16, 40, 100, 64.5, "64", None, 512, True])
@pytest.mark.parametrize("kind", [UNet, PatchDiscriminator])
def test_a_side_that_cannot_be_halved_four_times_is_refused(kind, size):
    with pytest.raises(ValueError, match=r"image_size=.*: it is halved four times, so give 32, 64, 128 or 256\."):
        kind(image_size=size)


def test_stored_pictures_are_given_as_they_are():
    network = UNet(width=2).eval()
    torch.testing.assert_close(network(None, GIVEN[:2]), network(None, to_float(GIVEN[:2])))


def test_it_learns_what_it_can_and_the_same_game_goes_on_exactly(tmp_path, bits, same, capsys):
    whole, view = game(), LiveView(truth=WANTED[:4])
    train(whole, WANTED, conditions=GIVEN, steps=25, batch_size=4, watch=view)
    assert view.film.frames[-1].shape == (4, 3, 32, 32)
    train(game(), WANTED, conditions=GIVEN, steps=11, batch_size=4, checkpoint=tmp_path)
    again = game()
    train(again, WANTED, conditions=GIVEN, steps=25, batch_size=4, checkpoint=tmp_path)
    assert "Going on from round 11" in capsys.readouterr().out
    assert same(bits(whole), bits(again))
    with pytest.raises(ValueError, match="learns from 24 other conditions"):
        train(game(), WANTED, conditions=GIVEN.flip(0), steps=30, checkpoint=tmp_path)


def test_a_trained_one_comes_back_without_its_pictures(tmp_path):
    gan = game()
    train(gan, WANTED, conditions=GIVEN, steps=3, batch_size=4, checkpoint=tmp_path)
    back = load_gan(tmp_path)
    torch.testing.assert_close(back.sample(5, GIVEN[:5]), gan.sample(5, GIVEN[:5]))
    torch.testing.assert_close(back.preview(), gan.preview())


def test_a_web_page_can_play_it():
    network = game().average_generator
    torch.testing.assert_close(
        play(fold(list_steps(network)), to_float(GIVEN)), network(None, GIVEN), atol=1e-5, rtol=0
    )


WRONG = {
    "colour where grey is expected": (WANTED, "The given pictures have shape .* is given .*: make them grey with"),
    "another size": (GIVEN[..., :16, :16], "The given pictures have shape .* and this GAN is given"),
    "fewer": (GIVEN[:7], "There are 7 conditions, and this game needs 24: one for each picture, in their order"),
    "none": (None, "There are 0 conditions, and this game needs 24"),
    "NaN": (torch.full((24, 1, 32, 32), torch.nan), "24 of 24 pictures have pixels that are NaN"),
    "from 0 to 1": (GIVEN.float() / 255, r"The pictures run from .* instead of from -1 \(black\) to 1 \(white\)"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_pictures_are_refused_in_one_sentence_before_anything_is_learned(name):
    conditions, words = WRONG[name]
    gan = game()
    with pytest.raises(ValueError, match=words):
        train(gan, WANTED, conditions=conditions, steps=1)
    assert gan.step == 0


def test_what_is_made_grey_as_the_sentence_says_fits():
    images = WANTED
    assert torch.equal(images.float().mean(1, keepdim=True).to(images.dtype), GIVEN)
    assert game().sample(24, GIVEN).shape == WANTED.shape


def test_a_drawing_of_the_wrong_kind_is_refused_when_it_shall_be_painted():
    gan = game()
    with pytest.raises(ValueError, match="The given pictures have shape"):
        gan.sample(4, WANTED[:4])
    with pytest.raises(ValueError, match="There are 3 conditions, and this game needs 4"):
        gan.sample(4, GIVEN[:3])
    with pytest.raises(ValueError, match="There are 0 conditions"):
        gan.sample(4)
