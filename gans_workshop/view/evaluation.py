"""How good and how original are the fakes? One judge reads digits, another one reads the attributes of faces."""

import functools
import hashlib

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from gans_workshop.files.datasets import DATA, fetch, is_left_out
from gans_workshop.game.images import check, check_images, to_float


def make_judge():
    """Make the untrained judge: images (N, 1, 28, 28) in [-1, 1] -> 64 features (N, 64) -> logits (N, 10)."""
    layers = []
    for before, after in ((1, 16), (16, 32), (32, 64)):  # (N, 16, 14, 14), then (N, 32, 7, 7), then (N, 64, 3, 3)
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Flatten(), nn.Linear(64 * 3 * 3, 64), nn.ReLU()]  # (N, 64)
    return nn.Sequential(nn.Sequential(*layers), nn.Linear(64, 10))  # (N, 10)


@functools.cache
def load_judge():
    """Load the trained judge that comes with the package: 99.4 % right on the test digits (`benchmarks/judge.py`)."""
    judge = make_judge()
    with np.load(DATA / "judge.npz") as weights:
        judge.load_state_dict({name: torch.from_numpy(values).float() for name, values in weights.items()})
    return judge.eval().requires_grad_(False)


def classify_digits(images):
    """Let the judge look at pictures (N, 1, 28, 28): the digits that it sees (N,) and features (N, 64) of each."""
    images = to_float(check_images(images)).cpu()
    found = tuple(images.shape)
    check(found[1:] == (1, 28, 28), f"The judge knows only digits, (N, 1, 28, 28), not {found}: look for yourself.")
    see, name = load_judge()
    features = torch.cat([see(part) for part in images.split(500)])
    return name(features).argmax(1), features.double().sqrt()  # the root: no single loud feature drowns the others


def digit_histogram(digits):
    """Count the pictures of each digit, (10,), and the digits that make up at least one picture in a hundred.

    It sees that a digit is missing, not how it is drawn: real and blurred digits have 10, ones or random pixels 1.
    """
    fits = getattr(digits, "ndim", 0) == 1 and not torch.as_tensor(digits).is_floating_point()
    check(fits, "digit_histogram counts digits (N,), such as classify_digits(images)[0].")
    counts = torch.as_tensor(digits).bincount(minlength=10)
    return counts, int((counts >= len(digits) / 100).sum())


def frechet_distance(real, fake):
    """Measure how far two crowds of features (N, 64), (M, 64) are apart in mean and spread: 0 is the same crowd.

    2,000 pictures against the bundled test digits: real 0.7, blurred 2.5, only ones 92, random pixels 99, one digit
    146; fewer give more. It cannot tell copies from new ones. Source: Heusel et al. 2017.
    """
    fits = all(getattr(crowd, "ndim", 0) == 2 and len(crowd) > 1 for crowd in (real, fake))
    found = " and ".join(str(tuple(getattr(crowd, "shape", "?"))) for crowd in (real, fake))
    check(fits, f"Found {found}, not features of two or more pictures each: classify_digits(images)[1].")
    crowds = [torch.as_tensor(crowd).double() for crowd in (real, fake)]
    (mean_a, cov_a), (mean_b, cov_b) = [(crowd.mean(0), torch.cov(crowd.T)) for crowd in crowds]
    values, vectors = torch.linalg.eigh(cov_a)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    return float((mean_a - mean_b).square().sum() + cov_a.trace() + cov_b.trace() - 2 * cross)


def sliced_distance(some, others):
    """Say how far small neighbourhoods, at three scales, are from those of other pictures: 0 is the same, as crowds.

    Windows of 7 x 7 pixels are looked at along 64 random directions, and the sorted values of both crowds compared.
    Shapes: some, others (N, 3, H, W), equally many. Source: Rabin et al. 2011; Karras et al. 2018, sec. 5.
    """
    some, others = (to_float(check_images(pictures)).cpu() for pictures in (some, others))
    found = f"{tuple(some.shape)} and {tuple(others.shape)}"
    check(some.shape == others.shape, f"sliced_distance compares equally many pictures of one size, not {found}.")
    dice, total = torch.Generator().manual_seed(0), 0
    for scale in (1, 2, 4):
        directions = F.normalize(torch.randn(some.shape[1] * 7 * 7, 64, generator=dice), dim=0).T
        one, other = (_along(F.avg_pool2d(pictures, scale), directions) for pictures in (some, others))
        total += (one - other).abs().mean().item()
    return total / 3


def _along(pictures, directions):
    values = F.conv2d(pictures, directions.unflatten(1, (-1, 7, 7)), stride=2)
    return values.transpose(0, 1).flatten(1).sort().values  # (64, all positions)


def nearest_images(images, among):
    """Find the picture nearest to each one in `among`, say the training pictures: differences (N,) and indices (N,).

    The difference is the root mean square over all pixels, 0 for a copy; one shifted by a pixel looks new. To the
    bundled training digits: real 0.34, blurred 0.31, only ones 0.15, one digit 0.41, random 1.08. Show among[indices].
    Shapes: images (N, C, H, W), among (M, C, H, W), uint8 or in [-1, 1]. Raises: as `check_images`.
    """
    images, among = check_images(images), check_images(among)
    found = f"{tuple(images.shape)} and {tuple(among.shape)}"
    check(images.shape[1:] == among.shape[1:], f"{found} cannot be compared: make both the same size.")
    flat = to_float(images).flatten(1).cpu()
    differences, indices = torch.full((len(flat),), torch.inf), torch.zeros(len(flat), dtype=torch.long)
    for i, part in enumerate(among.split(2000)):  # all of a large data set as floats would not fit into the memory
        others = to_float(part).flatten(1).cpu()
        nearest = torch.cdist(flat, others).argmin(1)
        apart = (flat - others[nearest]).square().mean(1).sqrt()
        indices = torch.where(apart < differences, 2000 * i + nearest, indices)
        differences = differences.minimum(apart)
    return differences, indices


FACE_VALUES = [5, 5, 4, 6, 5, 5, 5, 5, 5, 10]  # how many values each attribute of `load_faces` has, 55 in all


def make_face_judge():
    """Make the untrained judge of faces: images (N, 3, 64, 64) in [-1, 1] -> features (N, 128) -> logits (N, 55)."""
    layers = []
    for before, after in ((3, 24), (24, 32), (32, 48), (48, 64)):  # (N, 24, 32, 32), ..., (N, 64, 4, 4)
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Flatten(), nn.Linear(64 * 4 * 4, 128), nn.ReLU()]  # (N, 128)
    return nn.Sequential(nn.Sequential(*layers), nn.Linear(128, 55))  # (N, 55): ten attributes side by side


@functools.cache
def load_face_judge():
    """Load the trained judge of faces that comes with the package; `benchmarks/face_judge.py` says how good it is."""
    judge = make_face_judge()
    with np.load(DATA / "face_judge.npz") as weights:
        judge.load_state_dict({name: torch.from_numpy(values) for name, values in weights.items()})
    return judge.float().eval().requires_grad_(False)


def classify_faces(images):
    """Let the judge of faces look at square colour pictures: attributes (N, 10), as of `load_faces`, and features.

    It reads each attribute of the test faces in 99 % or more, but the mouth, at these few pixels, only in half.
    Distances to training faces, for `frechet_distance`: test faces 1.5, blurred 14, noise 143, mean face 161, one 209.
    Shapes: images (N, 3, S, S), made 64 pixels wide if they are not -> labels (N, 10), features (N, 128).
    Raises: ValueError: 'The judge knows only faces ...'
    """
    images = to_float(check_images(images)).cpu()
    found = tuple(images.shape)
    fits = found[1] == 3 and found[2] == found[3]
    check(fits, f"The judge knows only faces, (N, 3, 64, 64), not {found}: look for yourself.")
    see, name = load_face_judge()
    parts = [F.interpolate(part, 64, mode="bilinear", antialias=True) for part in images.split(100)]
    features = torch.cat([see(part) for part in parts])
    answers = name(features).split(FACE_VALUES, dim=1)
    return torch.stack([answer.argmax(1) for answer in answers], dim=1), features.double().sqrt()


def invention(attributes):
    """Measure how often faces have one of the combinations that the training set lacks: attributes (N, 10) -> a number.

    1 is as often as if all combinations were drawn alike: the parts are understood to be free. 0 is: it only repeats
    the people it met. The judge errs little: training faces have 0.01. Noise has 1.55, so look at the pictures too.
    """
    attributes = torch.as_tensor(attributes)
    fits = attributes.ndim == 2 and attributes.shape[1] == len(FACE_VALUES) and len(attributes)
    fits = fits and not attributes.is_floating_point()
    check(fits, "invention takes attributes (N, 10), such as classify_faces(images)[0].")
    return float(is_left_out(attributes).double().mean() * 5)


# The name ends with the beginning of the file's SHA-256
SQUEEZENET = "https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth"


def load_squeezenet():
    """Load the layers of SqueezeNet 1.1, which has learned to name what is on photographs; fetched once, 5 MB.

    Shapes: images (N, 3, H, W) in [-1, 1], 32 pixels or more -> sheets (N, 512, H / 16, W / 16), rounded down
    Raises: OSError: 'SqueezeNet could not be fetched ...'
    Source: Iandola et al. 2016; weights of torchvision, learned from ImageNet.
    """
    from torchvision.models import squeezenet1_1

    name, network = SQUEEZENET.rpartition("/")[2], squeezenet1_1()
    mark = name.rpartition("-")[2].removesuffix(".pth")
    try:
        path = fetch(SQUEEZENET, name, lambda path: hashlib.sha256(path.read_bytes()).hexdigest().startswith(mark))
    except OSError as error:
        raise OSError(f"SqueezeNet could not be fetched {error}.") from None
    network.load_state_dict(torch.load(path, weights_only=True))
    scale = nn.BatchNorm2d(3, affine=False, eps=0)  # from [-1, 1] to the mean and spread that it learned with
    scale.running_mean = 2 * torch.tensor([0.485, 0.456, 0.406]) - 1
    scale.running_var = (2 * torch.tensor([0.229, 0.224, 0.225])) ** 2
    return nn.Sequential(scale, *network.features).eval().requires_grad_(False)
