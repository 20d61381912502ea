"""Two folders become pairs by the names of their files, and every file is used or named with a reason."""

import pytest
import torch
from PIL import Image

from gans_workshop import load_pairs
from tools import scene


@pytest.fixture
def halves(tmp_path):
    """Return two folders, six scenes in each: grey ones, and the same in colour."""
    for name in ("given", "wanted"):
        (tmp_path / name).mkdir()
    for i in range(6):
        scene(i).convert("L").save(tmp_path / "given" / f"{i}.png")
        scene(i).save(tmp_path / "wanted" / f"{i}.jpg", quality=95)
    return tmp_path / "given", tmp_path / "wanted"


def grey(pictures):
    weights = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    return (pictures.float() * weights).sum(1, keepdim=True)


def add_up(given, wanted, report):
    assert report.found == len(report.used) + len(report.skipped)
    assert len(given) == len(wanted) == len(report.used) // 2
    return dict(report.skipped)


def test_what_has_the_same_name_belongs_together(halves):
    given, wanted, report = load_pairs(*halves, image_size=32)
    assert given.shape == (6, 1, 32, 32) and wanted.shape == (6, 3, 32, 32) and given.dtype == torch.uint8
    assert add_up(given, wanted, report) == {}
    apart = (given.float() - grey(wanted)).abs().mean((1, 2, 3))
    assert apart.max() < 6, "each beside its own"
    assert "paired by name: 12 files found" in str(report) and "6 pairs are too few" in str(report)


def test_names_decide_and_not_the_order(halves):
    before, _, _ = load_pairs(*halves, image_size=32)
    for i in (5, 4, 3, 2, 1, 0):  # every file anew, and later ones first
        for half, ending in zip(halves, ("png", "jpg")):
            (half / f"{i}.{ending}").rename(half / f"{'abcdef'[-i - 1]}.{ending}")
    given, wanted, _ = load_pairs(*halves, image_size=32)
    assert torch.equal(given, before.flip(0))
    assert (given.float() - grey(wanted)).abs().mean() < 6


def test_sub_folders_capitals_and_accents_are_no_obstacle(halves):
    given, wanted = halves
    (given / "Ä").mkdir(), (wanted / "A\u0308").mkdir()
    scene(7).convert("L").save(given / "Ä" / "Tree.PNG")
    scene(7).save(wanted / "A\u0308" / "tree.png")
    assert len(load_pairs(given, wanted, image_size=32)[0]) == 7


def test_what_has_no_partner_is_left_out_and_named(halves):
    given, wanted = halves
    scene(8).save(given / "alone.png")
    scene(9).save(wanted / "single.png")
    scene(10).save(wanted / "0.png")  # beside 0.jpg
    (given / "notes.txt").write_text("no picture")
    (wanted / "1.jpg").write_bytes(b"")
    one, other, report = load_pairs(given, wanted, image_size=32)
    skipped = add_up(one, other, report)
    assert len(one) == 5
    assert skipped["given/alone.png"] == "has no partner of its name in wanted"
    assert skipped["wanted/single.png"] == "has no partner of its name in given"
    assert (
        skipped["wanted/0.png"] == "has the name of another file there, but for its ending" or "wanted/0.jpg" in skipped
    )
    assert skipped["given/1.png"] == "has no partner of its name in wanted", "its partner is empty"
    assert "given/notes.txt" in skipped and "wanted/1.jpg" in skipped


def test_no_pair_at_all_and_one_folder_twice_are_refused(halves, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    Image.new("RGB", (40, 40), "red").save(other / "red.png")
    with pytest.raises(ValueError, match="No file of given has a partner in other: call what belongs"):
        load_pairs(halves[0], other)
    with pytest.raises(ValueError, match=r"Both are .*given: give one folder of what goes in and another"):
        load_pairs(halves[0], halves[0])
