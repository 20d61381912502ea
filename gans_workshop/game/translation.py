"""From picture to picture: a generator that is given a picture, and a detective that judges every patch of the pair."""

import torch
from torch import nn

from gans_workshop.game.images import check, to_float
from gans_workshop.game.models import Skip, double, grow, shrink, small_weights


class UNet(nn.Module):
    """Make a picture of a picture: down a staircase, up again, and at every step what was seen on the way down.

    w is `width`, the number of feature maps of the first step; `image_size` is a multiple of 16 from 32 to 256. It has
    no dice: z is ignored, so one picture always becomes the same other one.
    Shapes at 64 pixels: z (N, 1), given (N, given_channels, 64, 64) -> shrink (N, w, 32, 32) -> shrink (N, 2w, 16, 16)
        -> shrink (N, 4w, 8, 8) -> shrink (N, 8w, 4, 4) -> grow (N, 4w, 8, 8) -> grow (N, 2w, 16, 16) ->
        grow (N, w, 32, 32) -> grow (N, w, 64, 64) -> Conv2d, Tanh (N, channels, 64, 64), between -1 and 1;
        what each `grow` is given has twice as many maps: the sheets of the way down lie beside those of the way up
    Raises: ValueError: 'image_size=...'
    Source: Isola et al. 2017, sec. 3.2.1; Ronneberger et al. 2015. The paper's dice, dropout, are left out.
    """

    latent_dim = 1

    def __init__(self, *, image_size=64, channels=3, given_channels=1, width=16, norm=nn.BatchNorm2d):
        super().__init__()
        check_size(image_size)
        sheets = double(width, 4)  # w, 2w, 4w, 8w
        up = {"repeat": True, "norm": norm}
        inside = [*shrink(sheets[2], sheets[3], norm=norm), *grow(sheets[3], sheets[2], **up)]  # (N, 4w, 8, 8), twice
        for outer, inner in ((sheets[1], sheets[2]), (sheets[0], sheets[1]), (given_channels, sheets[0])):
            last = grow(2 * inner, width if inner == width else outer, **up)
            inside = [*shrink(outer, inner, norm=norm), Skip(*inside), *last]
        self.layers = small_weights(
            nn.Sequential(
                Skip(*inside),  # (N, given_channels + w, 64, 64)
                nn.Conv2d(given_channels + sheets[0], channels, 3, padding=1),  # (N, channels, 64, 64)
                nn.Tanh(),  # (N, channels, 64, 64), between -1 and 1
            )
        )

    def forward(self, z, given):
        return self.layers(to_float(given))


class PatchDiscriminator(nn.Module):
    """Give every patch of 46 x 46 pixels a logit, high for 'a real answer to this picture': the patch detective.

    It sees the pair, what was given and what was made of it; with given_channels=0 the picture alone. w is `width`, the
    number of feature maps of the first layer; `image_size` as for the `UNet`.
    Shapes at 64 pixels: images (N, channels, 64, 64), given (N, given_channels, 64, 64) -> Conv2d (N, w, 32, 32) ->
        shrink (N, 2w, 16, 16) -> shrink (N, 4w, 8, 8) -> Conv2d (N, 1, 7, 7) -> a logit for each patch (49 N, 1)
    Raises: ValueError: 'image_size=...'
    Source: Isola et al. 2017, sec. 3.2.2, with other patches.
    """

    def __init__(self, *, image_size=64, channels=3, given_channels=1, width=16, norm=nn.BatchNorm2d):
        super().__init__()
        check_size(image_size)
        self.given_channels = given_channels
        sheets = double(width, 3)  # w, 2w, 4w
        self.layers = small_weights(
            nn.Sequential(
                nn.Conv2d(given_channels + channels, sheets[0], 4, stride=2, padding=1),  # (N, w, 32, 32)
                nn.LeakyReLU(0.2),  # (N, w, 32, 32)
                *shrink(sheets[0], sheets[1], norm=norm),  # (N, 2w, 16, 16)
                *shrink(sheets[1], sheets[2], norm=norm),  # (N, 4w, 8, 8)
                nn.Conv2d(sheets[2], 1, 4, padding=1),  # (N, 1, 7, 7)
                nn.Flatten(0),  # (49 N)
                nn.Unflatten(0, (-1, 1)),  # (49 N, 1)
            )
        )

    def forward(self, images, given):
        return self.layers(torch.cat([to_float(given), images], 1) if self.given_channels else images)


def check_size(image_size):
    """Say in one sentence why pictures of this side cannot be halved four times."""
    fits = image_size in range(32, 257, 16)
    check(fits, f"image_size={image_size!r:.40}: it is halved four times, so give 32, 64, 128 or 256.")
