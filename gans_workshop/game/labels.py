"""What to draw: labels, and mixtures of them, as the weights that both players are told; and the one check of them."""

import torch
import torch.nn.functional as F

from gans_workshop.game.images import check, whole

PER_ROW = 8  # pictures in a row of the preview


def told(condition):
    """Return a condition as further arguments of a player: none where there is none."""
    return () if condition is None else (condition,)


def counts(classes):
    """List how many classes each attribute has: 10 -> [10], (5, 4) -> [5, 4], 0 -> none: nothing is told."""
    several = list(classes) if hasattr(classes, "__len__") else [classes] if classes else []
    return [whole("classes", number, least=2) for number in several]


def plain(classes):
    """Return classes as a plain number or a tuple of them, as a checkpoint keeps it."""
    return tuple(counts(classes)) if hasattr(classes, "__len__") else sum(counts(classes))


def to_weights(condition, classes, count):
    """Turn what `count` pictures shall show into weights: 1 for a picture's class, or its share of each in a mixture.

    Shapes: labels (N,), or (N, attributes) where classes are several numbers, or weights (N, sum of classes) already
    -> (N, sum of classes) float. Raises: ValueError: 'Say what to draw ...', 'There are ... labels for ...'
    """
    sizes, size = counts(classes), sum(counts(classes))
    if not sizes:
        check(condition is None, "This GAN learned without labels: draw with gan.sample(z) alone.")
        return None
    shape = "(N,)" if len(sizes) == 1 else f"(N, {len(sizes)}), {', '.join(f'0 to {n - 1}' for n in sizes)}"
    to_do = f"labels are whole numbers {shape}{f' from 0 to {size - 1}' * (len(sizes) == 1)}"
    check(condition is not None, f"Say what to draw, as in gan.sample({count}, labels): {to_do}, one for each picture.")
    try:
        condition = torch.as_tensor(condition)
    except Exception:  # words, a list of lists of different lengths: each fails in its own way
        raise ValueError(f"These are no labels that a GAN can read: {to_do}.") from None
    given = len(condition) if condition.ndim else 1
    check(given == count, f"There are {given:,} labels for {count:,} pictures: give one for each.")
    if condition.is_floating_point():
        return _checked_mixture(condition, sizes)
    table = condition[:, None] if condition.ndim == 1 else condition
    found = f"The labels have shape {tuple(condition.shape)}"
    check(table.ndim == 2 and table.shape[1] == len(sizes), f"{found}: {to_do}, and mixtures are floats (N, {size}).")
    wrong = (table < 0) | (table >= torch.tensor(sizes, device=table.device))
    if wrong.any():
        raise ValueError(f"There is no class {table[wrong][0].item()}: {to_do}.")
    return torch.cat([F.one_hot(column.long(), n) for column, n in zip(table.T, sizes)], 1).float()


def _checked_mixture(weights, sizes):
    """Return weights of a mixture, or say why these floats are none."""
    hint = "for each attribute they are not below 0 and sum to 1" if len(sizes) > 1 else "none below 0, sum 1"
    found = f"The labels are floats of shape {tuple(weights.shape)}"
    wanted = f"use labels.long(), or for mixtures weights (N, {sum(sizes)}): {hint}"
    check(weights.ndim == 2 and weights.shape[1] == sum(sizes), f"{found}: {wanted}.")
    sums = torch.stack([part.sum(1) for part in weights.split(sizes, 1)], 1)
    wrong = ~(((sums - 1).abs() < 1e-3).all(1) & (weights >= 0).all(1))  # NaN is wrong, too
    if wrong.any():
        row = wrong.nonzero()[0].item()
        raise ValueError(f"The weights of picture {row} are no mixture, {weights[row].tolist()!s:.60}: {hint}.")
    return weights.float()


def check_labels(labels, classes, names, count):
    """Return the labels of a training set as a tensor; each class has a picture, or one sentence says which has none.

    Raises: ValueError: 'No picture is of class ...', and what `to_weights` says
    """
    check(labels is not None, f"This GAN learns with labels: train(gan, images, conditions=labels), {count:,} of them.")
    weights, labels = to_weights(labels, classes, count), torch.as_tensor(labels)
    empty = (weights.sum(0) == 0).nonzero().flatten().tolist()
    to_do = "leave it out and number the others anew from 0, or bring pictures of it"
    if empty:
        raise ValueError(f"No picture is of class {class_texts(classes, names)[empty[0]]}: {to_do}.")
    return labels if labels.is_floating_point() else labels.long()


def check_names(names, classes):
    """Return the names of the classes as plain texts, a list or for several attributes a dictionary of lists."""
    sizes = counts(classes)
    if names is None:
        return None
    groups = list(names.values()) if isinstance(names, dict) else [names]
    fits = not isinstance(names, str) and [len(group) for group in groups] == sizes
    to_do = f"a list of {sizes[0]} texts" if len(sizes) == 1 else "a dictionary: a list of texts for each attribute"
    to_do = to_do if sizes else "none, or players with classes=, as in Generator(classes=10)"
    check(fits, f"class_names={names!s:.80} do not fit: give {to_do}.")
    plain = [[str(name) for name in group] for group in groups]
    return dict(zip(map(str, names), plain)) if isinstance(names, dict) else plain[0]


def class_texts(classes, names):
    """List what each class is called, attribute after attribute: its name if it has one, else its number."""
    groups = names.values() if isinstance(names, dict) else [names] if names else map(range, counts(classes))
    return [str(name) for group in groups for name in group]


def preview_labels(classes):
    """List the labels of the previews: a row for each class, at most 12; with several attributes all change at once."""
    sizes = torch.tensor(counts(classes))
    rows = torch.arange(min(12, max(sizes)))[:, None] % sizes
    return (rows if len(sizes) > 1 else rows[:, 0]).repeat_interleave(PER_ROW, 0)


def row_titles(fixed_condition, classes, names):
    """List what each row of the preview shows, or nothing where that are mixtures or pictures."""
    if not counts(classes) or fixed_condition.is_floating_point():
        return []
    texts, sizes = class_texts(classes, names), counts(classes)
    starts = torch.tensor([0, *sizes[:-1]]).cumsum(0)
    rows = fixed_condition.cpu()[::PER_ROW].reshape(-1, len(sizes)) + starts
    return [", ".join(texts[number] for number in row) for row in rows.tolist()]
