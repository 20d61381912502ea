"""The digits: bundled, apart, and fetched whole, from a server of our own, or not at all."""

import hashlib
import http.client
import http.server
import re
import ssl
import threading
import urllib.error
import urllib.request

import numpy as np
import pytest
import torch

from gans_workshop import fetch_sample, load_digits, load_faces, load_portraits
from gans_workshop.files import datasets
from gans_workshop.files.workspace import cache_folder
from tools import PROJECT, ROOT

KEEP_OUT = "http://127.0.0.1:9/"  # nobody listens there


def test_the_bundled_digits_are_balanced_and_kept_apart():
    images, labels = load_digits()
    judged, judged_labels = load_digits(test=True)
    assert images.shape == (10_000, 1, 28, 28) and images.dtype == torch.uint8
    assert judged.shape == (2_000, 1, 28, 28) and judged_labels.dtype == torch.int64
    assert labels.bincount().tolist() == [1000] * 10
    assert judged_labels.bincount().tolist() == [200] * 10
    assert images.min() == 0 and images.max() == 255
    assert not {x.numpy().tobytes() for x in images} & {x.numpy().tobytes() for x in judged}


# The portraits


def test_the_bundled_portraits_are_many_different_and_aligned(capsys):
    images = load_portraits()
    assert images.shape[1:] == (3, 64, 64) and images.dtype == torch.uint8
    assert len(images) >= 500 and len({x.numpy().tobytes() for x in images}) == len(images)
    mean = images.float().mean(0)
    assert mean[:, :4, :4].min() > 225, "white paper in the corners"
    assert mean[2, 28:36, 28:36].mean() < 160 < mean[0, 28:36, 28:36].mean(), "a face in the middle: little blue in it"
    said = capsys.readouterr().out
    assert "OpenMoji" in said and "CC BY-SA 4.0" in said and said.count("\n") == 1


@pytest.mark.parametrize("image_size", [32, 128])
def test_portraits_come_in_other_sizes_with_the_same_colours(image_size):
    images, resized = load_portraits(), load_portraits(image_size=image_size)
    assert resized.shape == (len(images), 3, image_size, image_size) and resized.dtype == torch.uint8
    torch.testing.assert_close(
        resized.float().mean((2, 3)), images.float().mean((2, 3)), atol=2, rtol=0, msg="colours changed"
    )


@pytest.mark.parametrize("image_size", ["64", 0, -64, 15, 257, 64.5, (64, 64), [64], None])
def test_a_size_that_is_none_is_refused_in_one_sentence(image_size):
    with pytest.raises(ValueError, match=r"image_size=.*: give a whole number of pixels from 16 to 256, such as 64"):
        load_portraits(image_size=image_size)
    with pytest.raises(ValueError, match=r"image_size=.*: give a whole number of pixels from 16 to 256, such as 64"):
        load_faces(image_size=image_size)
    with pytest.raises(ValueError, match=r"image_size=.*: give a whole number of pixels from 16 to 256, such as 64"):
        datasets.load_drawings(image_size=image_size)
    assert load_portraits(image_size=128 / 4).shape[2:] == (32, 32)


def test_the_bundle_is_small_and_its_licence_is_named():
    folder = ROOT / "gans_workshop"
    assert (folder / "data" / "portraits.png").stat().st_size < 2_000_000
    licence = (folder.parent / "LICENSE").read_text(encoding="utf-8")
    assert "OpenMoji" in licence and "https://creativecommons.org/licenses/by-sa/4.0/" in licence


# The faces


@pytest.fixture(scope="module")
def faces():
    return load_faces()


def test_the_faces_are_many_different_and_have_names_for_all_they_show(faces, capsys):
    images, labels, values = faces
    assert images.shape == (5000, 3, 64, 64) and images.dtype == torch.uint8 and images.is_contiguous()
    assert labels.shape == (5000, 10) and labels.dtype == torch.int64
    assert labels.amin(0).tolist() == [0] * 10
    assert (labels.amax(0) + 1).tolist() == [len(words) for words in values.values()]
    assert len(labels.unique(dim=0)) == 5000
    for words in values.values():
        assert len(set(words)) == len(words)
    assert images[:, :, :4, :4].min() == 255, "white paper in the corners"
    load_faces(test=True)
    said = capsys.readouterr().out
    assert "Johan Melin" in said and "CC BY 4.0" in said and said.count("\n") == 1


def test_a_fifth_of_the_combinations_is_in_no_training_face_and_each_smaller_one_is(faces):
    _, labels, values = faces
    combinations = labels[:, :4].unique(dim=0)
    counts = [len(words) for words in values.values()][:4]
    everything = torch.cartesian_prod(*map(torch.arange, counts))
    assert len(everything) == 600 and datasets.is_left_out(everything).sum() == 120
    assert not datasets.is_left_out(combinations).any() and len(combinations) == 480
    for three in ([0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3]):
        assert len(combinations[:, three].unique(dim=0)) == len(everything[:, three].unique(dim=0))


def test_the_test_faces_are_others_and_half_of_them_have_the_combinations_left_out(faces):
    images, labels, _ = load_faces(test=True)
    assert datasets.is_left_out(labels).tolist() == [False] * 500 + [True] * 500
    assert len(torch.cat([faces[1], labels]).unique(dim=0)) == 6000 and len(images) == 1000


@pytest.mark.parametrize(("attribute", "changed"), [("beard", 3), ("hair_colour", 1)])
def test_twins_differ_in_one_attribute_and_nowhere_else(attribute, changed):
    images, labels, values = load_faces(twins=attribute)
    assert images.shape == (2, 300, 3, 64, 64) and labels.shape == (2, 300, 10)
    differ = (labels[0] != labels[1]).all(0)
    assert differ.tolist() == [name == attribute for name in values] and (differ == (labels[0] != labels[1])).all()
    names = [{values[attribute][number] for number in side[:, changed].tolist()} for side in labels]
    expected = {"beard": [{"none"}, {*values["beard"]} - {"none"}], "hair_colour": [{"black"}, {"blond"}]}
    assert names == expected[attribute]
    same = (images[0] == images[1]).all(1)
    assert same[:, 48:].double().mean() > (0.9 if attribute == "beard" else 0.7), "the clothes are the same"
    assert not same.flatten(1).all(1).all()


def test_a_label_says_what_the_picture_shows(faces):
    images, labels, values = faces
    for number, lightest in ((values["skin"].index("light"), True), (values["skin"].index("dark"), False)):
        nose = images[labels[:, 0] == number][:, 0, 30:36, 30:34].double().mean()
        assert (nose > 200) == lightest
    bald = load_faces(twins="beard")[0]
    assert (bald[0] != bald[1]).any(1).double().mean(0)[38:46, 24:40].mean() > 0.3, "beards grow around the mouth"


def test_some_attributes_some_sizes(faces):
    images, labels, values = load_faces(image_size=32, attributes=("beard", "skin"))
    assert images.shape[2:] == (32, 32) and list(values) == ["beard", "skin"]
    assert torch.equal(labels, faces[1][:, [3, 0]])
    assert list(load_faces(test=True, attributes="eyes")[2]) == ["eyes"]


@pytest.mark.parametrize("wrong", ["Beard", ("skin", "nose"), 5, [["skin"]], "x" * 500])
def test_an_attribute_that_is_none_gets_a_list_of_those_that_exist(wrong):
    with pytest.raises(ValueError, match=r"^There is no attribute .{1,80}: choose from skin, hair_colour, hair, beard"):
        load_faces(attributes=wrong)
    with pytest.raises(ValueError, match=r"^There are no twins who differ in .*: choose from beard, hair_colour\.$"):
        load_faces(twins=wrong)


def test_the_faces_are_small_and_their_licence_is_named():
    assert (ROOT / "gans_workshop" / "data" / "faces.npz").stat().st_size < 6_000_000
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Johan Melin" in licence and "faces.npz" in licence and "CC-BY-4.0" in PROJECT["license"]


# The drawings


@pytest.fixture(scope="module")
def drawings():
    return {"train": datasets.load_drawings(), "test": datasets.load_drawings(test=True)}


@pytest.mark.parametrize(("part", "count"), [("train", 1467), ("test", 150)])
def test_a_drawing_is_an_outline_a_picture_and_a_name(drawings, part, count):
    outlines, colours, names = drawings[part]
    assert outlines.shape == (count, 1, 64, 64) and colours.shape == (count, 3, 64, 64)
    for images in (outlines, colours):
        assert images.dtype == torch.uint8 and images.is_contiguous() and images.min() == 0 and images.max() == 255
    assert type(names) is list and len(names) == count and all(type(name) is str and name for name in names)
    pairs = {x.numpy().tobytes() + y.numpy().tobytes() for x, y in zip(outlines, colours)}
    assert len(pairs) == count


@pytest.mark.parametrize("part", ["train", "test"])
def test_an_outline_is_that_of_its_picture(drawings, part):
    outlines, colours, _ = drawings[part]
    line, dark = outlines[:, 0] < 40, colours.amax(1) <= 100
    assert line.flatten(1).any(1).all(), "no paper is empty"
    assert ((line & dark).sum((1, 2)) >= 0.5 * line.sum((1, 2))).all()
    own, others = ((line & x).sum() / line.sum() for x in (dark, dark.roll(1, 0)))
    assert own > 0.97 and others < 0.5
    vivid = colours.amax(1).int() - colours.amin(1).int() > 40
    assert vivid.flatten(1).any(1).double().mean() > 0.7, "there is something to colour"


def likeness(outlines, others):
    """How alike the ink is, mirrored or moved by 2 pixels too: (N, M), 1 is the same outline."""
    ink, other = ((255 - x.double()).unfold(2, 2, 2).unfold(3, 2, 2).sum((1, 4, 5)) for x in (outlines, others))
    best = torch.zeros(len(ink), len(other), dtype=torch.double)
    for seen in (other, other.flip(2)):
        for step in torch.cartesian_prod(torch.arange(-1, 2), torch.arange(-1, 2)).tolist():
            best = best.maximum(ink.flatten(1) @ seen.roll(step, (1, 2)).flatten(1).T)
    return best / (ink.flatten(1).norm(dim=1)[:, None] * other.flatten(1).norm(dim=1))


def test_no_held_out_outline_is_nearly_one_to_learn_from(drawings):
    held_out, known = drawings["test"][0], drawings["train"][0]
    assert likeness(known[:5], known[:5].flip(3).roll(2, 2)).diagonal().min() > 0.99, "a mirrored copy is found"
    assert likeness(held_out, known).max() < 0.66


def test_no_held_out_drawing_is_a_version_of_one_to_learn_from(drawings):
    known, held_out = ({name.lower() for name in drawings[part][2]} for part in ("train", "test"))
    assert not known & held_out
    plain = r"\b(man|men|woman|women|person|people|boy|girl|facing|right|left)\b|\W"
    assert not {re.sub(plain, "", name) for name in known} & {re.sub(plain, "", name) for name in held_out}
    for family in (r"clock$|-thirty", r"\bmoon\b", "^family", "^globe", r"^\w+ heart$", r"\bbook$", "speaker", "medal"):
        sides = [any(re.search(family, name) for name in names) for names in (known, held_out)]
        assert sum(sides) == 1, family


def test_drawings_come_in_other_sizes_and_say_whose_they_are(drawings, capsys):
    outlines, colours, names = datasets.load_drawings(image_size=32, test=True)
    said = capsys.readouterr().out
    assert "OpenMoji" in said and "CC BY-SA 4.0" in said and said.count("\n") == 1
    assert outlines.shape == (150, 1, 32, 32) and colours.shape == (150, 3, 32, 32) and names == drawings["test"][2]
    for small, large in ((outlines, drawings["test"][0]), (colours, drawings["test"][1])):
        torch.testing.assert_close(small.float().mean((2, 3)), large.float().mean((2, 3)), atol=2, rtol=0)


def test_the_drawings_are_small_and_their_licence_is_named():
    assert (ROOT / "gans_workshop" / "data" / "drawings.npz").stat().st_size < 2_500_000
    assert "drawings.npz" in (ROOT / "LICENSE").read_text(encoding="utf-8") and "CC-BY-SA-4.0" in PROJECT["license"]


# The sample sets, from a server of our own that breaks off, lies or is not there

ZIP = np.random.default_rng(1).bytes(300_000)


class SampleServer(http.server.BaseHTTPRequestHandler):
    """Serves `content` with or without Range, breaks off after `limit` bytes, and notes what was asked for."""

    content, limit, ranges, status = ZIP, None, True, 200

    def do_GET(self):
        cls = type(self)
        start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
        cls.asked.append(start)
        if cls.status != 200 or (cls.ranges and start >= len(cls.content)):
            self.send_error(cls.status if cls.status != 200 else 416)
            return
        body = cls.content[start:] if cls.ranges else cls.content
        self.send_response(206 if cls.ranges else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: cls.limit])

    def log_message(self, *args):
        pass


@pytest.fixture
def samples(monkeypatch):
    handler = type("Handler", (SampleServer,), {"asked": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(datasets, "SAMPLES_ADDRESS", f"http://127.0.0.1:{server.server_port}/{{name}}.zip")
    monkeypatch.setitem(datasets.SAMPLES, "cats", hashlib.sha1(b"blob 300000\0" + ZIP).hexdigest())
    yield handler
    server.shutdown()
    server.server_close()


def cached():
    return {path.name: path.stat().st_size for path in cache_folder().iterdir()}


def test_a_sample_set_is_fetched_once(samples):
    path = fetch_sample("cats")
    assert path.read_bytes() == ZIP and path == cache_folder() / "cats.zip"
    assert fetch_sample("cats") == path
    assert samples.asked == [0] and cached() == {"cats.zip": 300_000}


def test_a_download_that_breaks_off_goes_on_from_there(samples):
    samples.limit = 100_000
    assert fetch_sample("cats").read_bytes() == ZIP
    assert samples.asked == [0, 100_000, 200_000]


def test_what_arrived_is_kept_for_the_next_day(samples):
    samples.limit = 20_000
    with pytest.raises(OSError, match=r"'cats' could not be fetched \(the connection broke off\): try again"):
        fetch_sample("cats")
    assert cached() == {"cats.part": 100_000}
    samples.limit = None
    assert fetch_sample("cats").read_bytes() == ZIP
    assert samples.asked[-1] == 100_000 and cached() == {"cats.zip": 300_000}


def test_a_server_that_cannot_go_on_starts_again(samples):
    (cache_folder() / "cats.part").write_bytes(ZIP[:1000])
    samples.ranges = False
    assert fetch_sample("cats").read_bytes() == ZIP
    assert samples.asked == [1000]


@pytest.mark.parametrize(
    "part", [b"?" * 1000, b"?" * 300_000, b"?" * 400_000, ZIP], ids=["short", "same", "long", "all"]
)
def test_whatever_an_earlier_part_holds_the_right_file_comes_out(samples, part):
    (cache_folder() / "cats.part").write_bytes(part)
    assert fetch_sample("cats").read_bytes() == ZIP
    assert cached() == {"cats.zip": 300_000}


def test_a_damaged_file_in_the_cache_is_fetched_again(samples):
    path = fetch_sample("cats")
    path.write_bytes(ZIP[:-1] + b"?")
    assert fetch_sample("cats").read_bytes() == ZIP


@pytest.mark.parametrize("content", [b"<html>please log in to this wifi</html>", ZIP[::-1]])
def test_something_else_is_not_believed_and_not_kept(samples, content):
    samples.content = content
    with pytest.raises(OSError, match="not the file that this workshop knows"):
        fetch_sample("cats")
    assert cached() == {"cats.part": 0}


@pytest.mark.parametrize("status", [404, 500])
def test_a_server_that_refuses_is_asked_once(samples, status):
    samples.status = status
    with pytest.raises(OSError, match=r"could not be fetched \(.+\): try again .* load_portraits\(\)"):
        fetch_sample("cats")
    assert samples.asked == [0]


def test_without_a_network_one_sentence(monkeypatch):
    monkeypatch.setattr(datasets, "SAMPLES_ADDRESS", KEEP_OUT + "{name}.zip")
    with pytest.raises(OSError, match=r"'flowers' could not be fetched \(.*refused\): try again") as refusal:
        fetch_sample("flowers")
    assert str(refusal.value).count(". ") == 0
    assert refusal.value.__cause__ is None


def test_a_silent_server_is_given_up(monkeypatch):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(datasets, "SAMPLES_ADDRESS", f"http://127.0.0.1:{server.getsockname()[1]}/{{name}}")
        monkeypatch.setattr(datasets, "SERVER_PATIENCE", 0.2)
        with pytest.raises(OSError, match="timed out"):
            fetch_sample("cats")


@pytest.mark.parametrize("name", ["dogs", "Cats", "cats.zip", ["cats"], None, "", {"cats": 1}])
def test_an_unknown_sample_set_is_refused_with_those_that_there_are(name):
    with pytest.raises(ValueError, match=r"There is no sample set .*: choose one of cats, flowers, abstract-paintings"):
        fetch_sample(name)


def test_a_certificate_that_is_not_trusted_is_no_matter_of_a_better_network(monkeypatch):
    def refuse(*_, **__):
        raise urllib.error.URLError(ssl.SSLCertVerificationError(1, "certificate verify failed: self-signed"))

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(
        OSError, match=r"certificate verify failed.*Install Certificates\.command.*load_portraits"
    ) as error:
        fetch_sample("cats")
    assert "better" not in str(error.value)


def test_a_persons_own_files_in_the_folder_for_the_cache_are_left_alone(samples, tmp_path):
    own = {name: b"mine" for name in ("cats.zip", "cats.part", "photos.sqlite", "checkpoints")}
    (tmp_path / "cache").mkdir()
    for name, content in own.items():
        (tmp_path / "cache" / name).write_bytes(content)
    assert fetch_sample("cats").read_bytes() == ZIP
    assert {path.name: path.read_bytes() for path in (tmp_path / "cache").iterdir() if path.is_file()} == own
