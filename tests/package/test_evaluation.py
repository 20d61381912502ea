"""The judge knows its digits, each number keeps to its definition, and bad input gets one sentence."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

import gans_workshop
from gans_workshop import load_digits, load_faces, sliced_distance, to_float
from gans_workshop.view import evaluation
from gans_workshop.view.evaluation import (
    classify_digits,
    classify_faces,
    digit_histogram,
    frechet_distance,
    invention,
    load_face_judge,
    load_judge,
    nearest_images,
)


@pytest.fixture(scope="module")
def test_digits():
    return load_digits(test=True)


@pytest.fixture(scope="module")
def looked(test_digits):
    return classify_digits(test_digits[0])


@pytest.fixture(scope="module")
def features():
    """Two crowds of 64 correlated features."""
    dice = torch.Generator().manual_seed(1)
    a, b = (torch.randn(300, 64, generator=dice, dtype=torch.double) for _ in range(2))
    return a @ torch.randn(64, 64, generator=dice, dtype=torch.double), 2 * b + 1


def noise(count=200):
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(0)) * 2 - 1


# The judge


def test_the_judge_names_test_digits_which_it_never_saw(test_digits, looked):
    # 99.4 % of all 10,000 (benchmarks/judge.py); the first 200 of each digit are a little harder
    assert (looked[0] == test_digits[1]).double().mean() >= 0.985


def test_the_weights_are_small_and_loaded_only_when_asked_for():
    assert (Path(gans_workshop.__file__).parent / "data" / "judge.npz").stat().st_size < 1_000_000
    program = "import gans_workshop.view.evaluation as e; print(e.load_judge.cache_info().currsize)"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "0"
    assert load_judge() is load_judge()


def test_looking_is_the_same_for_stored_and_scaled_pictures_and_for_parts(test_digits, looked):
    images = test_digits[0][:600]
    digits, features = classify_digits(to_float(images))
    torch.testing.assert_close(features, looked[1][:600], rtol=1e-4, atol=1e-4)
    assert torch.equal(digits, looked[0][:600])
    assert features.shape == (600, 64) and features.dtype == torch.double and not features.requires_grad
    torch.testing.assert_close(classify_digits(images[7:8])[1], features[7:8], rtol=1e-4, atol=1e-4)


def test_looking_changes_neither_the_judge_nor_the_random_numbers(test_digits):
    before = [weights.clone() for weights in load_judge().parameters()]
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    classify_digits(test_digits[0][:100])
    assert torch.equal(torch.rand(4), expected)
    assert all(torch.equal(a, b) for a, b in zip(before, load_judge().parameters(), strict=True))


# The judge of faces


@pytest.fixture(scope="module")
def test_faces():
    return load_faces(test=True)


@pytest.fixture(scope="module")
def faces_seen(test_faces):
    return classify_faces(test_faces[0])


def test_the_judge_of_faces_reads_what_can_be_seen(test_faces, faces_seen):
    right = (faces_seen[0] == test_faces[1]).double().mean(0)
    assert right[[0, 1, 2, 3, 4, 5, 6, 8, 9]].min() >= 0.99 > 0.6 > right[7], "all but the mouth"


def test_faces_of_another_size_are_read_too(test_faces, faces_seen):
    halves = torch.nn.functional.interpolate(to_float(test_faces[0][:300]), 32, mode="area")
    parts = (classify_faces(halves)[0] == test_faces[1][:300]).double().mean(0)[:4]
    assert parts.min() > 0.9, "skin, hair colour, hair and beard decide about invention"


def test_the_weights_of_the_judge_of_faces_are_small_and_whole():
    assert (Path(gans_workshop.__file__).parent / "data" / "face_judge.npz").stat().st_size < 500_000
    assert load_face_judge() is load_face_judge()
    assert not any(weights.requires_grad for weights in load_face_judge().parameters())


def test_the_order_of_the_reference_points_of_faces(test_faces, faces_seen):
    real, crowd = faces_seen[1], to_float(test_faces[0][:300])
    blurred = torch.nn.functional.avg_pool2d(crowd, 3, stride=1, padding=1, count_include_pad=False)
    one, dice = crowd[:1].repeat(300, 1, 1, 1), torch.Generator().manual_seed(0)
    noise = torch.rand(crowd.shape, generator=dice) * 2 - 1
    distances = [frechet_distance(real, classify_faces(those)[1]) for those in (crowd, blurred, one)]
    assert distances == sorted(distances)
    assert frechet_distance(real, classify_faces(noise)[1]) > 5 * distances[1]


def test_invention_is_one_for_all_combinations_alike_and_none_for_those_that_were_met(test_faces):
    counts = [len(words) for words in test_faces[2].values()]
    everything = torch.stack([torch.randint(count, (20_000,)) for count in counts], dim=1)
    assert invention(everything) == pytest.approx(1, abs=0.1)
    assert invention(load_faces()[1]) == 0 and invention(test_faces[1]) == 2.5
    assert invention(test_faces[1].numpy()) == 2.5


# The numbers against their definitions


def test_the_histogram_counts_and_a_digit_counts_from_one_in_a_hundred():
    digits = torch.tensor([0] * 97 + [3] + [9] * 2)
    counts, covered = digit_histogram(digits)
    assert counts.tolist() == [97, 0, 0, 1, 0, 0, 0, 0, 0, 2] and covered == 3
    assert digit_histogram(torch.tensor([0] * 299 + [1] * 2))[1] == 1


def test_the_distance_of_known_gaussians():
    """Along each axis it is (difference of means)^2 + (difference of standard deviations)^2."""
    x = torch.tensor([-1.0, 1.0] * 50, dtype=torch.double)[:, None]  # variance 100 / 99
    scale = (100 / 99) ** 0.5
    independent = torch.cat([x, x.sort(dim=0).values], dim=1)
    moved = independent * torch.tensor([3.0, 1.0]) + torch.tensor([5.0, 2.0])
    assert frechet_distance(independent, moved) == pytest.approx(25 + 4 + (2 * scale) ** 2)


def test_the_distance_is_zero_for_the_same_crowd_symmetric_and_positive(features, looked):
    a, b = features
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(looked[1], looked[1]) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a))
    assert frechet_distance(a, b) > 1


def test_the_distance_agrees_with_the_formula_through_scipy(features):
    linalg = pytest.importorskip("scipy.linalg")
    for a, b in (features, (features[0][:40], features[1][:40])):  # 40 < 64: no full rank
        (mean_a, cov_a), (mean_b, cov_b) = [(f.mean(0).numpy(), torch.cov(f.T).numpy()) for f in (a, b)]
        root = linalg.sqrtm(cov_a @ cov_b)
        expected = ((mean_a - mean_b) ** 2).sum() + (cov_a + cov_b - 2 * root.real).trace()
        assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-4)


def test_the_nearest_picture_by_brute_force_and_a_copy_is_found(digits):
    images = torch.cat([to_float(digits[3:4]), noise(150)])
    differences, indices = nearest_images(images, digits[:60])
    every = (images[:, None] - to_float(digits[:60])[None]).flatten(2).square().mean(2).sqrt()
    torch.testing.assert_close(differences, every.min(dim=1).values)
    assert torch.equal(indices, every.argmin(dim=1))
    assert indices[0] == 3 and differences[0] == 0
    black, white = -torch.ones(1, 3, 8, 8), torch.ones(1, 3, 8, 8)
    assert nearest_images(black, white)[0].item() == 2


def test_a_large_set_is_searched_in_parts(monkeypatch):
    among = torch.randint(256, (4500, 1, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    sizes, whole = [], evaluation.to_float
    monkeypatch.setattr(evaluation, "to_float", lambda images: sizes.append(len(images)) or whole(images))
    differences, indices = nearest_images(among[[10, 2010, 4490]], among)
    assert indices.tolist() == [10, 2010, 4490] and differences.tolist() == [0, 0, 0]
    images = noise(20)[..., :4, :4]
    every = torch.cdist(images.flatten(1), to_float(among).flatten(1))
    assert torch.equal(nearest_images(images, among)[1], every.argmin(1))
    assert max(sizes) <= 2000


# What the docstrings and RESULTS.md say


def test_the_order_of_the_reference_points(looked, digits):
    real = looked[1]
    blurred = torch.nn.functional.avg_pool2d(to_float(digits), 3, stride=1, padding=1, count_include_pad=False)
    ones = load_digits(test=True)[0][looked[0] == 1]
    pictures = [digits, blurred, ones, noise(), digits[:1].repeat(200, 1, 1, 1)]
    distances = [frechet_distance(real, classify_digits(those)[1]) for those in pictures]
    assert distances == sorted(distances)
    assert 60 < distances[2] < 130 and 70 < distances[3] < 130 and distances[4] > 100
    assert distances[0] < 12  # 200 pictures are few
    assert digit_histogram(classify_digits(noise())[0])[1] <= 2 and digit_histogram(looked[0])[1] == 10


def test_arrays_are_looked_at_like_tensors(digits, looked, test_digits):
    names, features = classify_digits(digits.numpy())
    assert torch.equal(names, classify_digits(digits)[0])
    assert digit_histogram(names.numpy())[0].tolist() == digit_histogram(names)[0].tolist()
    assert frechet_distance(features.numpy(), looked[1].numpy()) == pytest.approx(frechet_distance(features, looked[1]))
    assert nearest_images(digits.numpy()[:3], digits.numpy())[1].tolist() == [0, 1, 2]


# Bad input


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda d: classify_digits(d.repeat(1, 3, 1, 1)), r"knows only digits.*\(200, 3, 28, 28\)"),
        (lambda d: classify_digits(d[:, 0]), r"\(200, 28, 28\), instead of \(N, C, H, W\).*images\[:, None\]"),
        (lambda d: classify_digits(d.float()), "from 0 to 255"),
        (lambda d: classify_digits(to_float(d) * torch.nan), "200 of 200 pictures have pixels that are NaN"),
        (lambda d: classify_digits(d[:0]), "there is no picture in it"),
        (lambda d: frechet_distance(d, d), r"\(200, 1, 28, 28\), not features.*classify_digits\(images\)"),
        (lambda d: frechet_distance(torch.rand(9, 64), torch.rand(1, 64)), "features of two or more"),
        (lambda d: classify_digits(d / 255), r"from 0 to 1 instead of .*use images \* 2 - 1"),
        (lambda d: nearest_images(d, d / 255), "from 0 to 1"),
        (lambda d: classify_digits(list(d)), "are a list, not one tensor"),
        (lambda d: digit_histogram(d), r"counts digits \(N,\), such as classify_digits\(images\)\[0\]"),
        (lambda d: digit_histogram(classify_digits(d)), "counts digits"),
        (lambda d: digit_histogram(torch.rand(5)), "counts digits"),
        (
            lambda d: frechet_distance(classify_digits(d), classify_digits(d)),
            r"not features.*classify_digits\(images\)\[1\]",
        ),
        (lambda d: nearest_images(d, d[:, :, :14]), "make both the same size"),
        (lambda d: nearest_images(d, d[:0]), "there is no picture in it"),
        (lambda d: classify_faces(d), r"knows only faces, \(N, 3, 64, 64\), not \(200, 1, 28, 28\)"),
        (lambda d: classify_faces(d.repeat(1, 3, 2, 1)), r"knows only faces.*\(200, 3, 56, 28\)"),
        (lambda d: invention(d), r"invention takes attributes \(N, 10\), such as classify_faces\(images\)\[0\]"),
        (lambda d: invention(torch.rand(5, 10)), "invention takes attributes"),
        (lambda d: invention(torch.zeros(0, 10, dtype=torch.long)), "invention takes attributes"),
    ],
)
def test_bad_input_gets_one_sentence(call, words, digits):
    with pytest.raises(ValueError, match=words) as error:
        call(digits)
    assert "\n" not in str(error.value)


def test_the_sliced_distance_is_zero_for_the_same_and_grows_with_strangeness(test_faces):
    real, others = test_faces[0][:100], test_faces[0][100:200]
    assert sliced_distance(real, real) == sliced_distance(real, real.flip(0)) == 0, "crowds, not pairs"
    floor = sliced_distance(others, real)
    torch.testing.assert_close(sliced_distance(to_float(others), to_float(real)), floor)
    blurred = F.interpolate(F.avg_pool2d(others.float(), 16), scale_factor=16).byte()
    noise = torch.randint(0, 256, real.shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    far = [sliced_distance(strange, real) for strange in (blurred, others.roll(1, 1), noise)]
    assert min(far) > 1.5 * floor and far[2] > 5 * floor


@pytest.mark.parametrize("other", [torch.zeros(9, 3, 16, 16), torch.zeros(8, 1, 16, 16), torch.zeros(8, 3, 32, 32)])
def test_crowds_that_cannot_be_compared_are_refused(other):
    with pytest.raises(ValueError, match="sliced_distance compares equally many pictures of one size, not"):
        sliced_distance(torch.zeros(8, 3, 16, 16), other)


def test_squeezenet_is_fetched_once_and_only_believed_where_its_mark_is_right(monkeypatch, tmp_path):
    from torchvision.models import SqueezeNet1_1_Weights, squeezenet1_1

    assert SqueezeNet1_1_Weights.IMAGENET1K_V1.url == evaluation.SQUEEZENET
    torch.manual_seed(0)
    torch.save(squeezenet1_1().state_dict(), tmp_path / "weights")
    content, asked = (tmp_path / "weights").read_bytes(), []

    def download(address, part):
        asked.append(address)
        part.write_bytes(content)

    monkeypatch.setattr("gans_workshop.files.datasets._download", download)
    with pytest.raises(OSError, match=r"SqueezeNet could not be fetched \(what arrived is not the file"):
        evaluation.load_squeezenet()
    known = f"http://somewhere/squeezenet-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    monkeypatch.setattr(evaluation, "SQUEEZENET", known)
    for _ in range(2):
        layers = evaluation.load_squeezenet()
    assert asked.count(known) == 1
    assert layers(torch.zeros(2, 3, 64, 64)).shape == (2, 512, 3, 3) and not layers.training
    white = layers[0](torch.ones(1, 3, 1, 1)).flatten()
    torch.testing.assert_close(white, (1 - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor([0.229, 0.224, 0.225]))


def test_without_a_network_squeezenet_says_so(monkeypatch):
    def refuse(*_, **__):
        raise OSError("no route")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    with pytest.raises(OSError, match=r"SqueezeNet could not be fetched \(no route\): try again where the network"):
        evaluation.load_squeezenet()
