"""The digits: bundled, apart, and fetched whole, from a server of our own, or not at all."""

import gzip
import hashlib
import http.server
import struct
import threading

import numpy as np
import pytest
import torch
from torchvision.datasets import MNIST

from gans_workshop import datasets, load_digits, to_float

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


def test_scaling_is_what_the_page_says():
    assert to_float(torch.tensor([0, 255], dtype=torch.uint8)).tolist() == [-1, 1]
    floats = torch.tensor([-0.5, 0.25])
    assert to_float(floats) is floats


def test_without_a_network_one_sentence_and_the_bundled_digits(monkeypatch, capfd):
    monkeypatch.setattr(MNIST, "mirrors", [KEEP_OUT])
    images, _ = load_digits(full=True)
    assert len(images) == 10_000
    said = capfd.readouterr().out
    assert said.count("going on with the digits of the package") == 1
    assert len([line for line in said.splitlines() if "MNIST" in line]) == 1


def idx(array):
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A small MNIST on a server of our own; returns its pictures."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (20, 28, 28)).astype(np.uint8)
    served = tmp_path / "served"
    served.mkdir()
    resources = []
    for name, array in (
        ("train-images-idx3-ubyte", pictures),
        ("train-labels-idx1-ubyte", np.arange(20, dtype=np.uint8) % 10),
    ):
        data = gzip.compress(idx(array))
        (served / f"{name}.gz").write_bytes(data)
        resources.append((f"{name}.gz", hashlib.md5(data).hexdigest()))

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(served))

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(MNIST, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
    monkeypatch.setattr(MNIST, "resources", resources)
    monkeypatch.setitem(datasets.PIXELS_MD5, "train", hashlib.md5(pictures.tobytes()).hexdigest())
    yield pictures
    server.shutdown()
    server.server_close()


def raw_folder(tmp_path):
    return tmp_path / "cache" / "MNIST" / "raw"


def test_the_whole_set_is_fetched_once(mirror, monkeypatch):
    images, labels = load_digits(full=True)
    assert np.array_equal(images.numpy()[:, 0], mirror)
    assert labels.tolist() == [i % 10 for i in range(20)]
    monkeypatch.setattr(MNIST, "mirrors", [KEEP_OUT])
    assert torch.equal(load_digits(full=True)[0], images)


@pytest.mark.parametrize("damage", [lambda data: data[:300], lambda data: b"", lambda data: data[:-1] + b"?"])
def test_a_file_cut_short_or_damaged_is_fetched_again(mirror, tmp_path, damage):
    load_digits(full=True)
    file = raw_folder(tmp_path) / "train-images-idx3-ubyte"
    file.write_bytes(damage(file.read_bytes()))
    assert np.array_equal(load_digits(full=True)[0].numpy()[:, 0], mirror)


def test_a_mirror_that_serves_something_else_is_not_believed(mirror, monkeypatch, capsys):
    monkeypatch.setitem(datasets.PIXELS_MD5, "train", "0" * 32)
    assert len(load_digits(full=True)[0]) == 10_000
    assert "the downloaded file is damaged" in capsys.readouterr().out


def test_a_silent_server_does_not_hang_the_notebook(monkeypatch):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server, monkeypatch.context() as patch:
        patch.setattr(MNIST, "mirrors", [f"http://127.0.0.1:{server.getsockname()[1]}/"])
        patch.setattr(datasets, "PATIENCE", 0.2)
        assert len(load_digits(full=True)[0]) == 10_000
    assert socket.getdefaulttimeout() is None
