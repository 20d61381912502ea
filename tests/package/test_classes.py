"""Sub-folders are classes: found where the pictures part, whatever lies around them and however it is named."""

import pytest

from gans_workshop.files import classes

CATS, DOGS = ["cats/1.jpg", "cats/2.jpg"], ["dogs/1.jpg", "dogs/2.jpg", "dogs/3.jpg"]


@pytest.mark.parametrize(
    ("names", "depth", "found"),
    [
        (CATS + DOGS, 0, ["cats"] * 2 + ["dogs"] * 3),
        ([f"pets/all/{name}" for name in CATS + DOGS], 2, ["cats"] * 2 + ["dogs"] * 3),
        ([f"C:\\pets\\{name}".replace("/", "\\") for name in CATS + DOGS], 2, ["cats"] * 2 + ["dogs"] * 3),
        ([f"../.././{name}" for name in CATS + DOGS], 0, ["cats"] * 2 + ["dogs"] * 3),
        (["train/cats/1", "train/dogs/1", "test/cats/2", "validation set/dogs/2"], 1, ["cats", "dogs", "cats", "dogs"]),
        (["training_set/1", "test_set/2"], None, [classes.ONE] * 2),
        (["train/1.jpg", "cars/2.jpg"], 0, ["train", "cars"]),
        (["test 1/1.jpg", "test 2/2.jpg"], 0, ["test 1", "test 2"]),
        (["cover.jpg", *CATS, *DOGS], 0, [""] + ["cats"] * 2 + ["dogs"] * 3),
        (["cats/in Rome/1.jpg", "cats/2.jpg", "dogs/a/b/c/1.jpg"], 0, ["cats", "cats", "dogs"]),
        (CATS, None, [classes.ONE] * 2),
        (["cats/1.jpg", "2.jpg"], None, [classes.ONE] * 2),
        (["1.jpg", "2.jpg"], None, [classes.ONE] * 2),
        ([], None, []),
        (
            ["K\u00e4tzchen/1", "Ka\u0308tzchen /2", "H\u00fcndchen/1"],
            0,
            ["K\u00e4tzchen", "K\u00e4tzchen", "H\u00fcndchen"],
        ),
        (["👩🏽‍🦰/1", "👩🏽‍🦱/1", "🏴󠁧󠁢󠁥󠁮󠁧󠁿/1", "🏴󠁧󠁢󠁳󠁣󠁴󠁿/1"], 0, ["👩🏽‍🦰", "👩🏽‍🦱", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏴󠁧󠁢󠁳󠁣󠁴󠁿"]),
    ],
)
def test_the_class_is_the_folder_where_the_pictures_part(names, depth, found):
    assert classes.sort_into_classes(names) == (depth, found)


def test_classes_are_counted_in_the_order_of_their_labels():
    counts = classes.count(["dogs", "", "cats", "dogs", "Ants", ""])
    assert list(counts.items()) == [("Ants", 1), ("cats", 1), ("dogs", 2)]
    assert classes.in_words(counts) == "Ants 1, cats 1, dogs 2"
    assert classes.in_words(counts, most=2) == "Ants 1, cats 1, ..."
    assert classes.in_words(counts, most=3) == "Ants 1, cats 1, dogs 2"
    assert classes.invitation({"cats": 1200}) == ""
    assert classes.invitation({"cats": 1200, "dogs": 80}).startswith("2 classes, by sub-folders: cats 1,200, dogs 80;")


def test_each_remark_is_one_sentence_and_said_only_where_it_is_true():
    names = [f"cats/{i}.jpg" for i in range(60)] + [f"dogs/old/{i}.jpg" for i in range(60)]
    counts = {"cats": 60, "dogs": 60}
    assert classes.remarks_on(counts, 0, used=[*names[:60], "dogs/1.jpg"], names=names) == []
    deep, bare = classes.remarks_on(counts, 0, used=names, names=[*names, "birds/", ".git/hooks/", "__MACOSX/cats/"])
    assert deep == "Pictures that lie deeper than the sub-folder of their class, and count to it: 60."
    assert bare == "Without a picture that can be used, so no class: birds."
    (few,) = classes.remarks_on({"cats": 60, "dogs": 3}, 0, used=names[:63], names=names)[:1]
    assert few == "Classes with fewer than 50 pictures (dogs 3): add some, or take the folder out."
    assert [line.count(".") for line in (deep, bare, few)] == [1, 1, 1]
    one, bare = classes.remarks_on({classes.ONE: 60}, None, used=names[:60], names=[*names[:60], "dogs/"])
    assert one.startswith("Only one class has pictures") and bare.endswith(": dogs.")
    assert classes.remarks_on({}, None, used=[], names=[]) == []
