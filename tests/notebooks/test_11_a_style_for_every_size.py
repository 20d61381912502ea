"""Notebook 11: mixtures are counted, searches and edits do what the page says, wishes and photos are checked."""

import pytest
import torch

from gans_workshop import classify_faces, load_faces, load_style_network, save_contact_sheet, seed_everything
from tools import SMALL, code_cells, load_notebook, notebook, printed, read, run, shrink, source_of


@pytest.fixture(scope="module")
def names():
    """Return what the notebook defines; its functions see the network that comes along."""
    seed_everything(0)
    space = vars(load_notebook("11", "mix", "count-mixes", "walks", "losses", "edit"))
    space |= {"network": load_style_network(), "values": load_faces(test=True)[2]}
    space["mean"] = space["network"].to_w(torch.randn(2000, 64)).mean(0)
    return space


def test_styles_are_mixed_at_the_size_that_is_named(names):
    coarse, fine = torch.zeros(2, 5, 64), torch.ones(2, 5, 64)
    assert names["mix"](coarse, fine, 2)[:, :, 0].tolist() == [[0, 0, 1, 1, 1]] * 2
    assert torch.equal(names["mix"](coarse, fine, 5), coarse) and torch.equal(names["mix"](coarse, fine, 0), fine)


def test_mixtures_are_counted(names):
    everything = names["follows"](5, 40)
    assert all(of_coarse == 1 and of_fine == 0 for of_coarse, of_fine in everything.values())
    found = names["follows"](3, 60)
    assert found["hair"][0] > 0.7 > 0.3 > found["hair"][1], "the shape is coarse"
    assert found["hair_colour"][1] > 0.6 > 0.3 > found["hair_colour"][0], "the colour is fine"


def test_ways_begin_and_end_with_both_faces(names):
    z = torch.randn(2, 64)
    faces = names["network"](z)
    for way in names["ways"](*z, steps=5):
        torch.testing.assert_close(way[[0, -1]], faces, atol=1e-3, rtol=1e-3)
    assert names["travelled"](faces[:1].expand(4, -1, -1, -1)) == 0


def test_perceptual_loss_is_nothing_for_the_same_picture_and_forgives_a_shift_more_than_pixels_do(names):
    from gans_workshop import load_face_judge, to_float

    loss, faces = names["looks_unlike"](load_face_judge()[0]), to_float(load_faces(test=True)[0][:20])
    assert loss(faces, faces).abs().max() < 1e-5 and loss(faces, faces).shape == (20,)
    shifted, others = faces.roll(2, 3), faces.roll(1, 0)
    shares = [kind(faces, shifted).mean() / kind(faces, others).mean() for kind in (loss, names["unlike"])]
    assert shares[0] < shares[1]


def test_an_edit_moves_until_the_judge_agrees_and_only_the_sizes_that_are_named(names):
    w = names["network"].to_w(torch.randn(400, 64))
    seen = classify_faces(names["network"].draw(w))[0]
    names |= {"seen": seen, "one_style": (w - names["mean"])[:, 0]}
    direction = names["direction"]("hair_colour", "blond")
    assert direction.shape == (64,) and direction.norm() == pytest.approx(1, abs=1e-4)
    some = w[:20]
    edited = names["edit"](some, "hair_colour", "blond", slice(3, 5))
    assert torch.equal(edited[:, :3], some[:, :3])
    place, blond = [*names["values"]].index("hair_colour"), names["values"]["hair_colour"].index("blond")
    already = seen[:20, place] == blond
    assert torch.equal(edited[already], some[already])
    after = classify_faces(names["network"].draw(edited))[0]
    assert (after[:, place] == blond).float().mean() > 0.9


def test_wrong_settings_are_named():
    space = {}
    exec(source_of("11", "setup"), space)
    exec(source_of("11", "parameters"), space)
    exec(source_of("11", "check"), dict(space))
    wrong = {"SEED": -1, "WIDTH": 0, "BATCH_SIZE": 0, "LEARNING_RATE": 5, "ROUNDS": "many", "COUNT": 1}
    for name, value in (wrong | {"LABELLED": 5, "SEARCH_STEPS": 0, "RATE": 0, "PULL": -1}).items():
        with pytest.raises(ValueError, match=f"{name} = .*: write"):
            exec(source_of("11", "check"), space | {name: value})


@pytest.mark.parametrize("wishes", [{"hair": "green"}, {"moustache": "yes"}])
def test_a_wish_that_nobody_can_fulfil_is_named(wishes):
    space = vars(load_notebook("11", "mix")) | {"values": load_faces(test=True)[2]}
    code = source_of("11", "wishes").partition("\n")[2]
    with pytest.raises(AssertionError, match=r"\? Choose from"):
        exec(code, space | {"WISHES": wishes, "load_faces": load_faces})


def test_photos_of_ones_own_are_searched_for(tmp_path, monkeypatch):
    """A wide picture, one without any face, and a portrait: each gets its nearest toon."""
    torch.manual_seed(0)
    for number, shape in enumerate(((1, 3, 40, 400), (1, 3, 64, 64), (1, 3, 90, 70))):
        picture = torch.randint(0, 256, shape, dtype=torch.uint8)
        save_contact_sheet(tmp_path / "files" / "us" / f"{number}.png", picture, zoom=1)
    settings = SMALL["11_a_style_for_every_size.ipynb"] | {"PHOTOS": "us"}
    book = run(shrink(read(notebook("11")), settings), tmp_path, monkeypatch)
    rows = next(cell for cell in code_cells(book) if cell.id == "photos")
    assert "pictures" in printed(rows) and any("image/png" in output.get("data", {}) for output in rows.outputs)
    assert (tmp_path / "files" / "style-gans-images" / "walk-in-w.gif").exists()
