"""What the measuring scripts compute is right, and the bundled data are what their recipes make."""

import base64
import re

import numpy as np
import pytest
import torch

from gans_workshop import to_float
from tools import ROOT, load_notebook, load_script, notebook, read

TEXTURES = ROOT / "gans_workshop" / "data" / "textures"


# Slanted land


@pytest.fixture(scope="module")
def slanted():
    return load_script("benchmarks/slanted_land.py")


@pytest.fixture(scope="module")
def land():
    return load_notebook("01")


@pytest.mark.parametrize("setting", [{}, {"d_turns": 3}, {"g_turns": 2}, {"d_turns": 0}, {"rate": 1}], ids=str)
def test_the_benchmark_plays_the_notebooks_game(slanted, land, setting):
    slanted.compare_with_notebook(land, land.FACES, 30, **setting)


def test_every_one_of_200_criminals_learns_to_lean(slanted, land):
    games = slanted.new_games(range(200))
    assert slanted.lean_count(slanted.fakes_for_all_z(games)) < 10
    slanted.play_games(games, land.FACES, land.ROUNDS, rate=land.LEARNING_RATE)
    assert slanted.lean_count(slanted.fakes_for_all_z(games)) == 200


# The playground


def test_a_detective_alone_draws_a_border_and_a_criminal_alone_runs_over_it():
    playground = load_script("benchmarks/playground.py")
    ends = playground.alone(playground.load(), [200, 201])
    assert max(ends["D(fakes)"]) < 0.05 and min(ends["blue part of the sheet"]) > 0.5  # real, where nothing ever was
    assert min(ends["then D(G(z)) at the end"]) > 0.9 and max(ends["islands"]) <= 4


# Pictures are numbers


def test_the_recogniser_knows_most_drawings():
    torch.set_num_threads(1)
    drawn, book = load_script("benchmarks/pictures_are_numbers.py").drawn_digits(), load_notebook("00", "slices")
    right = [book.opinion(ink).argmax().item() == n for n, ink in enumerate(drawn)]
    assert sum(right) >= 7
    np.testing.assert_array_equal(drawn[2], book.ink)  # the two is the notebook's own drawing


# Textures


@pytest.fixture(scope="module")
def textures():
    return load_script("benchmarks/textures.py")


@pytest.fixture(scope="module")
def book():
    return load_notebook("05")


def test_the_seam_of_an_open_picture_is_noticed(textures):
    ramp = torch.linspace(-1, 1, 64).repeat(1, 3, 64, 1)
    seam, inside = textures.jumps_across(ramp)
    assert seam > 50 * inside
    seam, inside = textures.jumps_across(torch.cos(torch.arange(64) * torch.pi / 32).repeat(1, 3, 64, 1))
    assert seam < 1.5 * inside


def test_spread_is_one_for_real_patches_and_none_for_a_repeated_one(book, textures):
    reals = book.cut_patches([book.open_texture(TEXTURES / "wood.jpg")], 64)
    assert textures.spread(reals, reals) == 1
    assert textures.spread(reals[:1].repeat(64, 1, 1, 1), reals) == 0


def test_what_repeats_is_found(textures):
    torch.manual_seed(0)
    snow = torch.randn(1, 3, 512, 512)
    assert textures.repeats(snow, 16) == pytest.approx(100 / 1024, rel=0.2), "by chance: there are 1,024 squares"
    woven = snow + torch.randn(1, 3, 16, 16).repeat(1, 1, 32, 32) / 4  # a sixteenth of the variance
    assert textures.repeats(woven, 16) == pytest.approx(100 / 17, rel=0.2)
    assert textures.repeats(woven, 15) < 0.2


def test_the_edges_of_a_quilt_are_found_and_a_photo_has_none(textures, book):
    picture = book.open_texture(TEXTURES / "terrazzo.jpg")
    torch.manual_seed(0)
    sewn = to_float(textures.quilt(book.cut_patches([picture], 256)))
    assert sewn.shape == (1, 3, 1024, 1024)
    assert textures.edge(sewn) > 2 and textures.edge(sewn.roll((7, 7), (2, 3))) < 1.1
    assert textures.edge(to_float(textures.as_picture(picture))) == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize("name", ["brick", "cloth", "terrazzo", "wood"])
def test_the_bundled_textures_are_what_the_recipes_make(book, name):
    picture = book.open_texture(TEXTURES / f"{name}.jpg")
    assert picture.shape == (512, 512, 3) and picture.dtype == np.uint8
    made = getattr(load_script("tools/bundle_textures.py"), name)(np.random.default_rng(0))
    assert np.abs(picture.astype(int) - made).mean() < 8  # a JPEG is not exact


# The failures of notebook 04


def test_the_patients_of_the_ward_and_the_remedies_are_those_of_the_page():
    failures = load_script("benchmarks/failures.py")  # which imports benchmarks/diagnosis.py
    patients = load_notebook("04", "check", "play", "sealed", STEPS=1, BATCH_SIZE=2, WIDTH=1).unseal()
    assert {name: failures.GAMES[f"mystery patient {name}"][1] for name in "ABCD"} == patients
    smooth = failures.GAMES["2: g_lr = 0.00003, label smoothing"][1]["loss"]
    real, fake = torch.tensor([[0.3], [-2.0]]), torch.tensor([[1.0], [-0.5]])
    d_real, d_fake = real.sigmoid(), fake.sigmoid()
    expected = (-0.9 * d_real.log() - 0.1 * (1 - d_real).log()).mean() - (1 - d_fake).log().mean()
    torch.testing.assert_close(smooth.discriminator(real, fake), expected)


# The strips of small sets


def test_the_strips_on_the_page_are_those_that_were_measured_small_and_with_their_licences():
    strips = load_script("benchmarks/own_pictures.py")
    text = "".join(cell.source for cell in read(notebook("03")).cells if cell.id == "s2-strips")
    measured = (strips.RESULTS / "own_pictures.csv").exists()
    rows = strips.read_csv("own_pictures") if measured else []
    assert bool(text) == measured
    data = re.findall(r"^\[(\w+-\d+)\]: data:image/png;base64,(\S+)$", text, flags=re.MULTILINE)
    assert [name for name, _ in data] == [f"{row['kind']}-{row['size']}" for row in rows]
    assert sum(len(picture) for _, picture in data) < 250_000
    for row, (name, picture) in zip(rows, data):
        assert f"**{row['pictures']} {row['kind']}, {row['size']} pixels, after {int(row['rounds']):,} rounds**" in text
        assert base64.b64decode(picture) == (strips.RESULTS / f"own-pictures-{name}.png").read_bytes()
        assert strips.KINDS[row["kind"]].licence in text
