"""Notebook 09: the bills are those of the package, what it measures is right, and two folders of one's own will do."""

import pytest
import torch

from gans_workshop import draw_seasons, find_sun, load_faces, save_contact_sheet, to_float
from tools import SMALL, code_cells, load_notebook, notebook, printed, read, run, shrink, source_of


@pytest.fixture
def names():
    """Return what the notebook defines, and the scenes that its functions use."""
    space = vars(load_notebook("09", "move-colours", "suns", "jpeg", "faces"))
    space["test_summer"], space["test_winter"] = draw_seasons(100, seed=3)
    return space


def test_colours_that_are_moved_have_the_mean_and_the_spread_of_the_other_pile(names):
    summer, winter = names["test_summer"], names["test_winter"]
    moved, wanted = names["move_colours"](summer, summer, winter), to_float(winter)
    torch.testing.assert_close(moved.mean((0, 2, 3)), wanted.mean((0, 2, 3)), atol=0.05, rtol=0)
    torch.testing.assert_close(moved.std((0, 2, 3)), wanted.std((0, 2, 3)), atol=0.08, rtol=0)
    assert names["l1"](moved, winter) < names["l1"](to_float(summer), winter)
    assert names["l1"](to_float(summer), summer) == 0


def test_suns_are_counted_where_they_are_and_nowhere_else(names):
    summer = to_float(names["test_summer"])
    visible = 1 - find_sun(summer)[:, 0].isnan().float().mean().item()
    assert names["suns_back"](summer) == pytest.approx(visible) and visible > 0.95
    assert names["suns_back"](to_float(names["test_winter"])) == 0
    assert names["suns_back"](summer.roll(1, 3)) > 0.9 > 0.1 > names["suns_back"](summer.roll(4, 2)), "by two pixels"
    assert names["suns_back"](summer.roll(1, 0)) < 0.1, "of another scene"


def test_a_jpeg_changes_little_and_keeps_the_order(names):
    summer = to_float(names["test_summer"])
    read_back = names["through_jpeg"](summer)
    assert read_back.shape == summer.shape
    assert 0 < names["l1"](read_back, summer) < 0.08 < names["l1"](read_back, summer.roll(1, 0))
    assert names["l1"](names["through_jpeg"](summer, quality=20), summer) > names["l1"](read_back, summer)


@pytest.mark.parametrize(("change", "counts"), [("beard", 5000), ("hair_colour", None)])
def test_faces_are_split_by_what_shall_change(names, change, counts):
    first, second = names["split_faces"](change, 32)
    assert min(len(first), len(second)) > 500 and (not counts or len(first) + len(second) == counts)
    twins, _, _ = load_faces(image_size=32, twins=change)
    means = [to_float(some).mean(0) for some in (first, second, *twins)]
    apart = (means[1] - means[0]).flatten(), (means[3] - means[2]).flatten()
    assert torch.corrcoef(torch.stack(apart))[0, 1] > 0.8, "the piles differ as the twins do"


def test_wrong_settings_are_named():
    space = {}
    exec(source_of("09", "setup"), space)
    exec(source_of("09", "parameters"), space)
    exec(source_of("09", "check"), dict(space))
    wrong = {"SEED": -1, "WIDTH": 0, "BATCH_SIZE": 0, "LEARNING_RATE": 5, "ROUNDS": "many", "IMAGE_SIZE": 48}
    for name, value in (wrong | {"CHANGE": "mood", "PILES": "summer and winter"}).items():
        with pytest.raises(ValueError, match=f"{name} = .*: write"):
            exec(source_of("09", "check"), space | {name: value})


def test_two_folders_of_ones_own_are_translated(tmp_path, monkeypatch):
    for name, pictures, count in zip(("warm", "cold"), draw_seasons(14, seed=7), (14, 11)):
        for number in range(count):
            save_contact_sheet(tmp_path / "files" / name / f"{number}.png", pictures[number : number + 1], zoom=1)
    settings = SMALL["09_without_pairs.ipynb"] | {"PILES": "warm; cold"}
    book = run(shrink(read(notebook("09")), settings), tmp_path, monkeypatch)
    words = "\n".join(printed(cell) for cell in code_cells(book))
    assert "warm" in words and "The piles have 11 and 14 pictures" in words
    assert "L1 to the truth" not in words, "nobody knows it"
    assert (tmp_path / "files" / "without-pairs-gans-images" / "winter.html").exists()
