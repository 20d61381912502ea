"""What is noted of each round: the names, the lists, and how each number is measured. The doctor reads it."""

import math
from array import array

import torch

from gans_workshop.game.labels import PER_ROW, told
from gans_workshop.game.models import frozen

# All that is noted of a round: by name, how it is found in the GAN, in what D's turn left behind, in G's loss, and in
# the pictures for each label, as `draw_for_labels` returns them
NOTES = {
    "steps": lambda gan, lesson, g_loss, asked: g_loss.new_tensor(gan.step + 1.0),  # the number of the round
    "d_loss": lambda gan, lesson, g_loss, asked: lesson.d_loss,  # what D paid
    "g_loss": lambda gan, lesson, g_loss, asked: g_loss,  # what G paid
    "d_real": lambda gan, lesson, g_loss, asked: lesson.real_logits.sigmoid().mean(),  # D(x)
    "d_fake": lambda gan, lesson, g_loss, asked: lesson.fake_logits.sigmoid().mean(),  # D(G(z))
    "detect_rate": lambda gan, lesson, g_loss, asked: detect_rate(lesson.real_logits, lesson.fake_logits),
    "variety": lambda gan, lesson, g_loss, asked: variety(lesson.fake, lesson.real),
    "d_slope": lambda gan, lesson, g_loss, asked: gradient_length(gan.discriminator),
    "g_slope": lambda gan, lesson, g_loss, asked: gradient_length(gan.generator),
    "label_effect": lambda gan, lesson, g_loss, asked: label_effect(asked),
    "label_use": lambda gan, lesson, g_loss, asked: label_use(gan, asked) if known(asked) else asked.mean(),
    "class_variety": lambda gan, lesson, g_loss, asked: compare_classes(asked)[0],
    "poorest_class": lambda gan, lesson, g_loss, asked: compare_classes(asked)[1],  # its row in the preview
    "opinion_push": lambda gan, lesson, g_loss, asked: opinion_push(gan, lesson),
    "contrast": lambda gan, lesson, g_loss, asked: contrast(lesson),
}
EVERY = 10  # rounds between two looks at what the labels do: they cost as much as a turn
SMALLER_RATES = "Make a new GAN and train it with a smaller learning rate: a tenth of d_lr and g_lr."


class History:
    """The notes of all rounds: a list of numbers for each name in `NOTES`, `history.d_loss` and so on."""

    def __init__(self):
        for name in NOTES:
            setattr(self, name, array("d"))  # 8 bytes a number: hours of training stay small

    def append(self, notes):
        """Note a round: a number for each name; NaN where `notes` has none."""
        for name in NOTES:
            getattr(self, name).append(notes.get(name, math.nan))

    def state_dict(self):
        """Return all lists as tensors, by name."""
        return {name: torch.tensor(getattr(self, name), dtype=torch.float64) for name in NOTES}

    def load_state_dict(self, state):
        """Replace all lists by those of `state_dict()`; what an older one does not know becomes NaN."""
        unknown = torch.full_like(state["steps"], torch.nan)
        for name in NOTES:
            setattr(self, name, array("d", state.get(name, unknown).tolist()))


@torch.no_grad()
def measure(gan, lesson, g_loss):
    """Return the notes of a round by name, from what both turns returned: `Lesson` and G's loss, a scalar."""
    asked = draw_for_labels(gan)
    numbers = [find(gan, lesson, g_loss, asked).float() for find in NOTES.values()]
    return dict(zip(NOTES, torch.stack(numbers).tolist()))  # from a GPU all at once


def detect_rate(real_logits, fake_logits):
    """Say how often D gives the real one of a pair (real, fake) the higher logit: 0.5 is a coin toss, 1 is always.

    It means the same for every loss; D(x) does not. Shapes: real_logits (N, 1), fake_logits (M, 1) -> scalar.
    """
    pairs = real_logits - fake_logits.T
    return ((pairs > 0).float() + (pairs == 0).float() / 2).mean()


def variety(fake, real):
    """Compare how far each fake is from the fake nearest to it with the same among real pictures: 1 is as varied.

    It sees repetition, not that a kind of picture is missing. Shapes: fake, real (N, C, H, W) -> scalar.
    """
    return _to_the_nearest(fake) / _to_the_nearest(real, copies=False).clamp(min=1e-6)


def _to_the_nearest(images, *, copies=True):
    images = images[:64].flatten(1)  # more would cost more and say the same
    mode = "use_mm_for_euclid_dist"  # for few pictures too, where the other way is slow
    apart = torch.cdist(images, images, compute_mode=mode).fill_diagonal_(torch.inf)
    if not copies:  # a batch from a very small set shows a picture twice
        apart.masked_fill_(apart < apart.median() / 100, torch.inf)
    return apart.min(dim=1).values.median()


def draw_for_labels(gan):
    """Draw the preview, a row for each class: (classes, z, numbers). NaN where nobody tells G what to draw, or not now.

    It draws from no dice. Shapes: (R, 8, C * H * W), or (2, 2, 1)
    """
    if not getattr(gan, "classes", 0) or gan.step % EVERY or len(gan.fixed_z) < 2 * PER_ROW:
        return torch.full((2, 2, 1), torch.nan, device=gan.device)
    whole = len(gan.fixed_z) // PER_ROW * PER_ROW
    pictures = gan.average_generator(gan.fixed_z[:whole], gan.fixed_condition[:whole])
    return pictures.flatten(1).unflatten(0, (-1, PER_ROW))


def label_effect(asked):
    """Compare how much a picture changes with the label, z held, with how much it changes with z, the label held.

    0: the label is ignored. Shapes: asked (R, Z, P) -> scalar
    """
    return _mean_apart(asked.transpose(0, 1)) / _mean_apart(asked).clamp(min=1e-6)


def _mean_apart(groups):
    apart = torch.cdist(groups, groups)  # (G, N, N), 0 from each to itself
    return apart.sum() / (len(groups) * groups.shape[1] * max(1, groups.shape[1] - 1))


def label_use(gan, asked):
    """Say how often D finds that two fakes of one z fit their own labels better than each other's: 0.5 is a coin toss.

    Shapes: asked (R, Z, C * H * W) -> scalar
    """
    pictures, own = asked.flatten(0, 1).unflatten(1, gan.picture_shape), gan.fixed_condition[: len(asked) * PER_ROW]
    with frozen(gan.discriminator):
        fits, above, below = (gan.discriminator(pictures, own.roll(turn, 0)) for turn in (0, PER_ROW, -PER_ROW))
    better = (fits - above) + (fits - below).roll(PER_ROW, 0)  # what D thinks of a label alone cancels out
    return (better > 0).float().mean() + (better == 0).float().mean() / 2


def compare_classes(asked):
    """Find the poorest class: its fakes are near to each other, or, z held, to those of another class.

    Returned are how near, beside the usual class, and its row. Shapes: asked (R, Z, P) -> scalar, scalar
    """
    inside = torch.cdist(asked, asked)  # (R, Z, Z)
    inside.diagonal(dim1=1, dim2=2).fill_(torch.inf)
    between = torch.cdist(asked.transpose(0, 1), asked.transpose(0, 1)).mean(0).fill_diagonal_(torch.inf)  # (R, R)
    nearest = torch.stack([inside.amin(2).median(1).values, between.amin(1)])  # (2, R)
    shares = (nearest / nearest.quantile(0.75, dim=1, keepdim=True).clamp(min=1e-6)).amin(0)
    return shares.min(), shares.argmin() if known(asked) else shares.min()


def known(asked):
    """Say whether pictures for the labels were drawn in this round."""
    return bool(asked[0, 0, 0].isfinite())


def opinion_push(gan, lesson):
    """Return D's part in the push on a fake's pixels, where G also pays for being unlike the answer: 0 is none of it.

    Looked at in every tenth round; NaN in between, and where the loss has no likeness. Shapes: -> scalar
    """
    if not gan.loss.likeness or gan.step % EVERY:
        return lesson.d_loss.new_tensor(torch.nan)
    with torch.enable_grad(), frozen(gan.discriminator):
        fake = lesson.fake.detach().requires_grad_()
        opinion = gan.loss.generator(gan.discriminator(fake, *told(lesson.condition)))
        paid = opinion, gan.loss.likeness(fake, lesson.real)
        of_d, of_likeness = (torch.autograd.grad(part, fake)[0].norm() for part in paid)
    return of_d / (of_d + of_likeness).clamp(min=1e-12)


def contrast(lesson):
    """Compare the spread of the pixels within a fake with that in the right answer: near 0 is an empty sheet.

    NaN where no picture was given. Shapes: -> scalar
    """
    if getattr(lesson.condition, "ndim", 0) != 4:
        return lesson.d_loss.new_tensor(torch.nan)
    fake, real = (pictures.flatten(1).std(1).mean() for pictures in (lesson.fake, lesson.real))
    return fake / real.clamp(min=1e-6)


def gradient_length(network):
    """Return the length of a network's last gradient, a scalar: how strong the push on all its weights was."""
    return torch.nn.utils.get_total_norm([p.grad for p in network.parameters() if p.grad is not None])
