"""Notebook 05: the players stand still when they should, the generator has no edges, and odd photos get a sentence."""

import base64
import io
import re

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from gans_workshop import GAN, non_saturating, sliced_distance, walk
from tools import (
    ROOT,
    SMALL,
    ask_for_solutions,
    code_cells,
    load_notebook,
    notebook,
    printed,
    read,
    run,
    shrink,
    source_of,
)

TEXTURES = ROOT / "gans_workshop" / "data" / "textures"


@pytest.fixture(scope="module")
def book():
    return load_notebook("05")


@pytest.fixture(scope="module")
def generator(book):
    """An untrained generator that is not dull: larger weights, fixed statistics."""
    torch.manual_seed(0)
    network = book.TextureGenerator().eval()
    for parameter in network.parameters():
        if parameter.ndim == 4:
            nn.init.kaiming_normal_(parameter)
    return network


# The photo


def save(tmp_path, picture, name="wall.png", **options):
    picture.save(tmp_path / name, **options)
    return tmp_path / name


def noise(wide, tall, mode="RGB"):
    pixels = np.random.default_rng(0).integers(0, 256, (tall, wide, len(mode)), dtype=np.uint8)
    return Image.fromarray(pixels, mode) if mode != "RGBA" else Image.fromarray(pixels)


def test_a_photo_smaller_than_a_patch_is_refused(book, tmp_path):
    with pytest.raises(ValueError, match=r"63 x 300, smaller than a patch of 64 x 64: take a larger photo"):
        book.open_texture(save(tmp_path, noise(63, 300)))
    assert book.open_texture(save(tmp_path, noise(64, 64))).shape == (64, 64, 3)


def test_a_file_that_is_no_picture_or_not_there_is_refused(book, tmp_path):
    (tmp_path / "notes.jpg").write_text("not a picture")
    for name in ("notes.jpg", "nowhere.jpg"):
        with pytest.raises(ValueError, match=f"{name} cannot be opened .*: use a JPEG or PNG"):
            book.open_texture(tmp_path / name)


@pytest.mark.parametrize("mode, colour", [("RGB", (10, 200, 90)), ("L", 128), ("RGBA", (1, 2, 3, 0))], ids=str)
def test_one_flat_colour_is_refused(book, tmp_path, mode, colour):
    with pytest.raises(ValueError, match="is one flat colour: there is nothing to learn"):
        book.open_texture(save(tmp_path, Image.new(mode, (300, 300), colour)))


def test_a_panorama_gives_the_square_in_its_middle_and_says_so(book, tmp_path, capsys):
    picture = noise(900, 300)
    cropped = book.open_texture(save(tmp_path, picture))
    assert "is a panorama of 900 x 300: only the square in its middle is used." in capsys.readouterr().out
    np.testing.assert_array_equal(cropped, np.array(picture)[:, 300:600])


def test_a_transparent_picture_lies_on_white_paper_and_says_so(book, tmp_path, capsys):
    picture = noise(100, 100)
    picture.putalpha(Image.new("L", (100, 100), 255))
    for x in range(50):
        for y in range(100):
            picture.putpixel((x, y), (255, 0, 0, 0))
    pixels = book.open_texture(save(tmp_path, picture))
    assert "see-through in places" in capsys.readouterr().out
    assert (pixels[:, :50] == 255).all() and pixels[:, 50:].std() > 10


def test_a_photo_lying_on_its_side_is_turned_upright(book, tmp_path):
    picture, exif = noise(200, 100), Image.Exif()
    exif[274] = 6
    assert book.open_texture(save(tmp_path, picture, exif=exif)).shape == (200, 100, 3)


def test_a_large_photo_becomes_512_pixels_and_says_nothing(book, tmp_path, capsys):
    assert book.open_texture(save(tmp_path, noise(1600, 1200))).shape == (512, 683, 3)
    assert capsys.readouterr().out == ""


def test_patches_are_windows_of_the_photo(book):
    picture = np.arange(70 * 66 * 3, dtype=np.uint16).reshape(70, 66, 3).astype(np.float32)
    positions = set()
    for patch in book.cut_patches([picture], 100):
        top, left = position = divmod(int(patch[0, 0, 0]) // 3, 66)
        np.testing.assert_array_equal(patch.permute(1, 2, 0), picture[top : top + 64, left : left + 64])
        positions.add(position)
    tops, lefts = ({position[axis] for position in positions} for axis in (0, 1))
    assert tops == set(range(7)) and lefts == set(range(3)), "all of them"


def test_several_photos_take_turns(book):
    dark, light = np.zeros((64, 90, 3), np.uint8), np.full((80, 64, 3), 255, np.uint8)
    assert [patch.max().item() for patch in book.cut_patches([dark, light], 4)] == [0, 255, 0, 255]


@pytest.mark.parametrize("given", ["Foto 01.02.24, 10 11 12.png", " Foto 01.02.24, 10 11 12.png ; a, b, c.png;"])
def test_photos_are_given_by_name_one_or_several(book, tmp_path, monkeypatch, given):
    """The notebook's own cell opens what stands in PHOTOS; phones put commas into names."""
    names = vars(book) | {"PHOTOS": given, "PATCHES": 6}
    for i, name in enumerate(("Foto 01.02.24, 10 11 12.png", "a, b, c.png")):
        save(tmp_path, noise(64, 65 + i), name)
    monkeypatch.chdir(tmp_path)
    exec(source_of("05", "look"), names)
    assert [picture.shape[0] for picture in names["pictures"]] == [65, 66][: given.count(".png")]
    assert names["patches"].shape == (6, 3, 64, 64)


@pytest.mark.parametrize("size", [(12000, 9000), (16320, 12240)], ids=["108 megapixels", "200 megapixels"])
def test_the_photo_of_a_new_phone_is_used(book, tmp_path, size, recwarn):
    small = noise(68, 51).resize(size, Image.Resampling.NEAREST)
    pixels = book.open_texture(save(tmp_path, small, "phone.jpg", quality=50))
    assert pixels.shape == (512, 683, 3) and pixels.std() > 20
    assert [str(warning.message) for warning in recwarn] == []


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_a_picture_that_would_fill_the_memory_is_refused(book, tmp_path, kind):
    path = save(tmp_path, Image.new("1" if kind == "PNG" else "P", (8000, 8000)), f"large.{kind.lower()}")
    with pytest.raises(ValueError, match=r"cannot be opened \(more than 60 million pixels: make it smaller\)"):
        book.open_texture(path)


# The settings


def check(**settings):
    """Run the cell with the settings, changed, and the one that checks them."""
    names = {}
    exec(source_of("05", "parameters"), names)
    exec(source_of("05", "check"), names | settings)


def test_the_settings_as_they_are_and_at_the_ends_of_their_ranges_are_good():
    check()
    check(PATCH=32, PATCHES=1, D_TURNS=10, TEXTURE="brick", PHOTOS="a.jpg; b.jpg")
    check(PATCH=128, PATCHES=20_000, D_TURNS=1, SEED=0)


@pytest.mark.parametrize("given", ["64", 128 / 2, -64, 10**12, [64], None, True], ids=repr)
@pytest.mark.parametrize("name", ["PATCH", "PATCHES", "D_TURNS", "SEED", "HAND_STEPS", "TEXTURE_STEPS"])
def test_a_setting_out_of_its_range_is_refused_in_a_sentence(name, given):
    with pytest.raises(ValueError, match=rf"^{name} = .*: write \S.*\.$"):
        check(**{name: given})


@pytest.mark.parametrize("settings", [{"PATCH": 100}, {"PATCH": 0}, {"PATCHES": 0}, {"D_TURNS": 0}], ids=str)
def test_a_number_that_would_do_elsewhere_is_refused_too(settings):
    with pytest.raises(ValueError, match=r"write "):
        check(**settings)


@pytest.mark.parametrize("settings", [{"TEXTURE": "bricks"}, {"TEXTURE": ["brick"]}, {"PHOTOS": ["a.jpg"]}], ids=str)
def test_a_texture_or_photo_of_another_kind_is_refused_in_a_sentence(settings):
    with pytest.raises(ValueError, match=r"TEXTURE = .*, PHOTOS = .*: write "):
        check(**settings)


@pytest.mark.parametrize("patch", [32, 128])
def test_every_patch_size_on_offer_works_to_the_end(patch, tmp_path, monkeypatch):
    path = notebook("05")
    book = ask_for_solutions(shrink(read(path), SMALL[path.name] | {"PATCH": patch, "PATCHES": 64}))
    ran = run(book, tmp_path, monkeypatch)
    (verdict,) = [printed(cell) for cell in code_cells(ran) if cell.id == "verdict"]
    assert verdict.count("sliced distance") == 4


# The recipe


def test_each_step_moves_one_player_and_no_bit_of_the_other(book, bits, same):
    torch.manual_seed(0)
    D, G = book.make_detective(), book.make_criminal()
    d_optimizer, g_optimizer = book.optimizers(D, G)
    before = bits(D), bits(G)
    book.step_3(D, G, d_optimizer, torch.rand(8, 3, 64, 64))
    assert not same(bits(D), before[0]) and same(bits(G), before[1])
    after = bits(D)
    book.step_4(D, G, g_optimizer, 8)
    assert same(bits(D), after) and not same(bits(G), before[1])


def test_our_loss_is_half_the_packaged_one(book):
    """The package adds up the means of real and fake, line 3.3 takes the mean over both halves."""
    torch.manual_seed(0)
    D = book.make_detective()
    real, fake = torch.rand(2, 8, 3, 64, 64)
    wanted = torch.cat([torch.ones(8, 1), torch.zeros(8, 1)])
    ours = book.F.binary_cross_entropy_with_logits(D(torch.cat([real, fake])), wanted)
    torch.testing.assert_close(2 * ours, non_saturating.discriminator(D(real), D(fake)))


def d_losses(book, norm):
    losses = []
    for combined in (True, False):
        torch.manual_seed(0)
        D, G = book.make_dcgan(norm)
        d_optimizer, _ = book.optimizers(D, G)
        losses.append(book.step_3(D, G, d_optimizer, torch.rand(16, 3, 64, 64), combined))
    return losses


def test_a_combined_batch_is_harmless_without_batch_norm_only(book):
    combined, separate = d_losses(book, False)
    assert combined == pytest.approx(separate, rel=1e-5)
    combined, separate = d_losses(book, True)
    assert abs(combined - separate) > 0.01


def test_a_combined_batch_spoils_the_game_with_batch_norm(book):
    """Both are content, and nobody learns: D is sure in step 3, and G, alone with D, is told that it is perfect."""
    book.SHORT_STEPS = 40
    book.patches = book.cut_patches([book.open_texture(TEXTURES / "terrazzo.jpg")], 200)
    spoilt_d, spoilt_g, _ = book.batch_game(True, True, 0)
    sound_d, sound_g, _ = book.batch_game(True, False, 0)
    assert spoilt_d < 0.05 < sound_d and spoilt_g < 0.5 * sound_g


# The generator without edges


@pytest.mark.parametrize("n", [5, 8, 20])
def test_the_size_follows_from_z(generator, n):
    assert generator(torch.randn(1, 16, n, n + 3)).shape == (1, 3, 16 * (n - 4), 16 * (n - 1))


def test_flat_z_is_a_sheet_of_8_by_8(generator):
    z = torch.randn(2, generator.latent_dim)
    torch.testing.assert_close(generator(z), generator(z.reshape(2, 16, 8, 8)))
    assert generator(z).shape == (2, 3, 64, 64)


def test_a_window_of_z_draws_the_same_window_of_the_picture(generator):
    z = torch.randn(1, 16, 14, 14)
    with torch.no_grad():
        whole, part = generator(z), generator(z[:, :, 3:11, 5:13])
    assert whole.std() > 0.1
    torch.testing.assert_close(part, whole[:, :, 48:112, 80:144], rtol=1e-4, atol=1e-4)


def test_a_tile_laid_twice_is_what_a_z_laid_twice_draws(book, generator):
    class Sampler:
        def sample(self, z):
            with torch.no_grad():
                return generator(z)

    torch.manual_seed(3)
    sheet = book.draw_tile(Sampler(), 8)
    assert sheet.shape == (1, 3, 128, 128)
    torch.manual_seed(3)
    z = torch.randn(1, 16, 8, 8).repeat(1, 1, 2, 2)
    twice = Sampler().sample(torch.nn.functional.pad(z, (2, 2, 2, 2), mode="circular"))
    torch.testing.assert_close(twice, sheet.repeat(1, 1, 2, 2), rtol=1e-4, atol=1e-4)


def test_the_detective_looks_at_25_windows_of_46_pixels(book):
    detective = book.make_texture_detective().eval()
    picture = torch.randn(1, 3, 64, 64, requires_grad=True)
    logits = detective(picture)
    assert logits.shape == (25, 1)
    logits[12, 0].backward()
    rows = picture.grad[0].abs().sum((0, 2)).nonzero()
    assert rows.max() - rows.min() + 1 == 46


def test_the_last_quarter_of_the_rounds_has_a_small_learning_rate(book):
    noted = []

    def watch(gan, done, last):
        if not last:
            noted.append((gan.step, gan.d_optimizer.param_groups[0]["lr"], gan.g_optimizer.param_groups[0]["lr"]))

    gan = GAN(book.TextureGenerator(), book.make_texture_detective())
    book.learn_texture(gan, torch.zeros(4, 3, 64, 64, dtype=torch.uint8), 8, watch)
    assert noted == [(step, lr, lr) for step, lr in zip(range(1, 9), [1e-3] * 6 + [2e-4] * 2)]


# The numbers of the verdict


def test_sliced_distance_is_zero_for_the_same_and_grows_with_strangeness(book):
    picture = book.open_texture(TEXTURES / "terrazzo.jpg")
    torch.manual_seed(0)
    reals, others = book.cut_patches([picture], 64), book.cut_patches([picture], 64)
    bricks = book.cut_patches([book.open_texture(TEXTURES / "brick.jpg")], 64)
    snow = torch.randint(0, 256, (64, 3, 64, 64), dtype=torch.uint8)
    mean = reals.float().mean((0, 2, 3), keepdim=True).expand(64, 3, 64, 64).to(torch.uint8)
    assert sliced_distance(reals, reals) == 0
    floor = sliced_distance(others, reals)
    assert all(sliced_distance(p, reals) > 5 * floor for p in (bricks, snow, mean))


# What is saved


def test_where_the_folder_has_gone_large_pictures_go_to_the_next_one(tmp_path, monkeypatch, capsys):
    """As when Google Drive dies half-way: `workshop_folder` then gives Colab's own disk."""
    monkeypatch.setenv("GANS_WORKSHOP_FILES", str(tmp_path / "drive"))
    exec(source_of("05", "large"), names := {})
    (tmp_path / "drive").rename(tmp_path / "gone")
    (tmp_path / "drive").write_text("no folder any more")
    monkeypatch.setenv("GANS_WORKSHOP_FILES", str(tmp_path / "colab"))
    shown = names["show_large"](torch.zeros(1, 3, 40, 60), "strip.png", "A strip of texture")
    assert shown.data.startswith(b"\x89PNG") and (tmp_path / "colab" / "textures-gans-images" / "strip.png").exists()
    assert re.search(r"The folder .* cannot be written", capsys.readouterr().out)
    names["show_large"](torch.zeros(1, 3, 40, 60), "tile.png", "A tile")
    assert capsys.readouterr().out.count("cannot be written") == 0, "from then on it knows"


# The exercises


def test_the_answers_sizes_are_right(generator):
    assert generator(torch.randn(1, 16, 12, 68)).shape == (1, 3, 128, 1024)
    assert walk(torch.randn(3, 16 * 8 * 8), steps=16).unflatten(1, (16, 8, 8)).shape == (48, 16, 8, 8)


# The page


def test_the_first_picture_can_be_opened():
    data = re.search(r"data:image/png;base64,([^)\s\"]+)", read(notebook("05")).cells[0].source)[1]
    with Image.open(io.BytesIO(base64.b64decode(data))) as picture:
        assert picture.size == (536, 96)
        assert np.array(picture.convert("RGB")).std() > 30
