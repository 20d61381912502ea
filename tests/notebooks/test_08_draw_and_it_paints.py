"""Notebook 08: the U-Net and the bills of the page are those of the package, and what it measures is right."""

import pytest
import torch
from torch import nn

from gans_workshop import (
    GAN,
    PatchDiscriminator,
    UNet,
    load_faces,
    pix2pix,
    save_contact_sheet,
    to_float,
    train,
    workshop_folder,
)
from gans_workshop.view.flatten import list_steps, play
from tools import notebook, read, source_of, text_of


@pytest.fixture
def cells():
    """Return a function that runs cells of the page one after the other, with small settings."""

    def go(names, **given):
        space = {"display": lambda _: None}
        exec(source_of("08", "setup"), space)
        space |= given
        for name in names:
            exec(source_of("08", name), space)
        return space

    return go


def test_the_u_net_of_the_page_is_the_packages(cells):
    space = cells(["unet-by-hand"], WIDTH=3)
    with_skips, without = space["make_unet"](True), space["make_unet"](False)
    packaged, given = UNet(width=3), torch.rand(4, 1, 64, 64)
    packaged.layers.load_state_dict(with_skips.state_dict())
    torch.testing.assert_close(packaged(None, given), with_skips(given))
    assert without(given).shape == (4, 3, 64, 64)
    assert len(without.state_dict()) == len(with_skips.state_dict()), "the same layers, but for what they are given"


def test_without_skips_nothing_comes_by_but_through_the_smallest_sheet(cells):
    space = cells(["unet-by-hand"], WIDTH=2)
    for skips in (True, False):
        network = space["make_unet"](skips).eval()
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d) and layer.weight.shape[:2] == (16, 8):  # into the sheet of 4 x 4
                nn.init.zeros_(layer.weight)
        one, other = (network(torch.rand(1, 1, 64, 64)) for _ in range(2))
        assert torch.equal(one, other) != skips


def test_the_bills_of_the_page_are_those_of_the_package(cells):
    dice = torch.Generator().manual_seed(0)
    colours = torch.randint(0, 256, (8, 3, 64, 64), dtype=torch.uint8, generator=dice)
    outlines = colours[:, :1]
    names = ["unet-by-hand", "detective-by-hand", "bills", "pushes", "packaged"]
    space = cells(names, WIDTH=2, SEED=1, questions=outlines, answers=colours)
    opinion, likeness = space["opinion"].item(), space["likeness"].item()
    assert space["g_loss"].item() == pytest.approx(opinion + 100 * likeness)
    assert likeness == pytest.approx((space["fake"] - to_float(colours)).abs().mean().item())
    assert space["pushes"][1].norm().item() == pytest.approx(100 / (8 * 3 * 64 * 64) ** 0.5, rel=1e-3), (
        "the same for all"
    )


def test_the_three_prices_differ_in_what_g_pays(cells):
    space = cells(["prices"], PAIRS="", SEED=1, IMAGE_SIZE=64, WIDTH=2, LEARNING_RATE=0.001, BATCH_SIZE=2, **SETS)
    logits = torch.randn(9, 1)
    both, d, alone = space["prices"].values()
    assert alone.generator(logits) == 0 and alone.likeness and d.likeness is None and both is pix2pix
    assert d.generator(logits) == both.generator(logits)


SETS = {
    "workshop_folder": workshop_folder,
    "test_outlines": torch.zeros(12, 1, 64, 64, dtype=torch.uint8),
    "test_colours": torch.zeros(12, 3, 64, 64, dtype=torch.uint8),
    "questions": torch.zeros(12, 1, 64, 64, dtype=torch.uint8),
    "ten": torch.arange(10),
    "pix2pix": pix2pix,
    "UNet": UNet,
}


def test_lines_are_traced_where_the_colour_changes(cells):
    space = cells(["data"], PAIRS="", IMAGE_SIZE=64)
    square = torch.full((1, 3, 32, 32), 255, dtype=torch.uint8)
    square[:, 0, 8:24, 8:24] = 0
    lines = space["trace"](square)[0, 0]
    assert lines.shape == (32, 32) and set(lines.unique().tolist()) == {0, 255}
    assert (lines[8:24, 7] == 0).all() and (lines[7, 8:24] == 0).all() and (lines[10:22, 10:22] == 255).all()
    assert (lines[:6] == 255).all() and (lines[:, 27:] == 255).all(), "and none at the edge"
    faces = space["trace"](load_faces(test=True)[0][:50])
    assert 0.03 < (faces == 0).float().mean() < 0.3


def test_pairs_of_ones_own_are_read_and_some_are_held_out(cells, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GANS_WORKSHOP_FILES", str(tmp_path))
    for i in range(44):
        picture = torch.zeros(1, 3, 40, 40, dtype=torch.uint8)
        picture[0, :, i % 22 : i % 22 + 9, 5 : 20 + 10 * (i // 22)] = 200
        save_contact_sheet(tmp_path / "mine" / "wanted" / f"{i}.png", picture, zoom=1)
        save_contact_sheet(tmp_path / "mine" / "given" / f"{i}.png", 255 - picture[:, :1], zoom=1)
    space = cells(["data", "pairs"], PAIRS="mine", IMAGE_SIZE=64)
    assert "44 pairs are too few" in capsys.readouterr().out
    assert len(space["outlines"]) == len(space["colours"]) == 24 and len(space["test_outlines"]) == 20
    for number in range(10):
        (tmp_path / "mine" / "given" / f"{number}.png").unlink()
    with pytest.raises(AssertionError, match="34 pairs are too few: bring 40 or more"):
        cells(["data", "pairs"], PAIRS="mine", IMAGE_SIZE=64)


def test_the_glass_takes_means_and_a_web_page_can_look_through_it(cells):
    space = cells(["glass"], IMAGE_SIZE=64)
    glass, pictures = space["make_glass"](), torch.rand(2, 1, 64, 64)
    seen = glass(pictures)
    means = pictures.reshape(2, 1, 8, 8, 8, 8).mean((3, 5))
    torch.testing.assert_close(seen[:, :, 4::8, 4::8], means, atol=0.15, rtol=0)
    torch.testing.assert_close(glass(torch.full((1, 1, 64, 64), 0.3)), torch.full((1, 1, 64, 64), 0.3))
    assert not any(weights.requires_grad for weights in glass.parameters())
    torch.testing.assert_close(play(list_steps(glass), pictures), seen)


def test_both_players_look_through_the_same_glass_and_it_never_learns(cells):
    known = torch.randint(0, 256, (6, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    given = {"IMAGE_SIZE": 64, "shape": {"width": 2}, "PatchDiscriminator": PatchDiscriminator, "UNet": UNet}
    space = cells(["glass", "seer"], **given)
    players = space["seer"], space["GlassDetective"](width=2)
    gan = GAN(*players, loss=pix2pix, fixed_condition=space["grey"](known))
    train(gan, known, conditions=space["grey"](known), steps=2, batch_size=2)
    assert (gan.average_generator.layers[0][0].weight == 1 / 64).all()
    grey = to_float(space["grey"](known))
    other = grey.reshape(6, 1, 8, 8, 8, 8).flip(3, 5).reshape(6, 1, 64, 64)  # each square in itself mirrored
    for player in (lambda x: gan.average_generator(None, x), lambda x: gan.discriminator.eval()(to_float(known), x)):
        torch.testing.assert_close(player(grey), player(other), atol=1e-4, rtol=0), "8 x 8 numbers are all that is seen"


def test_the_blind_detective_is_blind(cells):
    source = source_of("08", "break-it").partition("def paint_for")[0]
    space = {"PatchDiscriminator": PatchDiscriminator, "torch": torch, "to_float": to_float}
    exec(source, space)
    blind, images = space["Blind"](width=2).eval(), torch.rand(2, 3, 64, 64)
    assert torch.equal(blind(images, torch.rand(2, 1, 64, 64)), blind(images, torch.rand(2, 1, 64, 64)))


def test_wrong_settings_are_named(cells):
    names = {name: value for name, value in cells(["parameters"]).items() if name.isupper()}
    exec(source_of("08", "check"), dict(names))
    wrong = {"SEED": -1, "WIDTH": 0, "BATCH_SIZE": 1, "LEARNING_RATE": 5, "ROUNDS": "many", "IMAGE_SIZE": 100}
    for name, value in wrong.items():
        with pytest.raises(ValueError, match=f"{name} = .*: write"):
            exec(source_of("08", "check"), names | {name: value})


def test_whose_the_drawings_are_is_on_the_page():
    assert "OpenMoji (openmoji.org), CC BY-SA 4.0" in text_of(read(notebook("08")).cells)
