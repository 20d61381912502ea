"""The judge of the benchmarks: a digit classifier, trained on training digits only, whose features compare pictures.

python benchmarks/judge.py      # trains it (two minutes, once, into the cache) and prints its reference points
"""

import torch
import torch.nn.functional as F
from torch import nn

from gans_workshop import load_digits, to_float
from gans_workshop.workspace import cache_folder


def make_network():
    """Make the classifier: pictures (N, 1, 28, 28) in [-1, 1] -> features (N, 64), then ten logits."""
    features = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),  # (N, 16, 28, 28)
        nn.ReLU(),
        nn.MaxPool2d(2),  # (N, 16, 14, 14)
        nn.Conv2d(16, 32, 3, padding=1),  # (N, 32, 14, 14)
        nn.ReLU(),
        nn.MaxPool2d(2),  # (N, 32, 7, 7)
        nn.Flatten(),
        nn.Linear(32 * 7 * 7, 64),  # (N, 64)
        nn.ReLU(),
    )
    return nn.Sequential(features, nn.Linear(64, 10))


def train_network(images, labels, *, epochs=3):
    """Teach the classifier the training digits, images (N, 1, 28, 28) uint8."""
    torch.manual_seed(0)
    network = make_network()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(128):
            loss = F.cross_entropy(network(to_float(images[batch])), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return network


class Judge:
    """Compare pictures with the test digits. All pictures (N, 1, 28, 28), uint8 or float in [-1, 1]."""

    def __init__(self):
        self.test_images, self.test_labels = load_digits(full=True, test=True)
        path = cache_folder() / "benchmark-judge.pt"
        if not path.exists():
            torch.save(train_network(*load_digits(full=True)).state_dict(), path)
        self.network = make_network()
        self.network.load_state_dict(torch.load(path, weights_only=True))
        self.real = self.features(self.test_images)

    @torch.no_grad()
    def features(self, images):
        """Return what the classifier sees in the pictures: (N, 64) in double precision."""
        return torch.cat([self.network[0](to_float(part)) for part in images.split(500)]).double()

    @torch.no_grad()
    def digits(self, features):
        """Name the digit in each picture: (N,) of 0..9."""
        return self.network[1](features.float()).argmax(1)

    def distance(self, features):
        """Frechet distance from the test digits (Heusel et al. 2017, eq. 6), in these features: 0 is perfect."""
        (mean_a, cov_a), (mean_b, cov_b) = [(f.mean(0), torch.cov(f.T)) for f in (self.real, features)]
        cross = torch.linalg.eigvals(cov_a @ cov_b).real.clamp(min=0).sqrt().sum()
        return float((mean_a - mean_b).square().sum() + cov_a.trace() + cov_b.trace() - 2 * cross)

    def coverage(self, features, *, k=5, count=2000):
        """Part of `count` test digits with a fake inside their ball of k neighbours (Naeem et al. 2020, eq. 6)."""
        real = self.real[:count]
        radius = torch.cdist(real, real).kthvalue(k + 1, dim=1).values
        return float((torch.cdist(real, features[:count]).amin(1) < radius).double().mean())

    def covered(self, features):
        """Count the digits that make up at least one in a hundred of the pictures."""
        return int((self.digits(features).bincount(minlength=10) >= len(features) / 100).sum())


def blur(images, sigma=0.7):
    """Blur pictures with a Gaussian: the reference point for 'slightly wrong'."""
    x = torch.arange(-3, 4)
    kernel = torch.exp(-(x**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    return F.conv2d(to_float(images), torch.outer(kernel, kernel)[None, None], padding=3)


def main():
    """Print the judge's accuracy and its reference points."""
    judge = Judge()
    images, labels = load_digits(full=True)
    digits = judge.digits(judge.real)
    print(f"accuracy on the 10,000 test digits: {(digits == judge.test_labels).double().mean():.4f}")
    references = {
        "other real digits": images[:10_000],
        "the same, blurred (sigma 0.7)": blur(images[:10_000]),
        "only ones": images[labels == 1],
        "one picture, repeated": images[:1].repeat(5_000, 1, 1, 1),
        "noise": torch.rand(10_000, 1, 28, 28) * 2 - 1,
    }
    print("| pictures | distance | coverage | digits covered |\n|---|---|---|---|")
    for name, pictures in references.items():
        f = judge.features(pictures)
        print(f"| {name} | {judge.distance(f):.1f} | {judge.coverage(f):.2f} | {judge.covered(f)} |")


if __name__ == "__main__":
    main()
