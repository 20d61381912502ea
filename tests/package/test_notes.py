"""What is noted of each round: small, and read from older versions too."""

from gans_workshop import History


def test_a_history_of_hours_stays_small():
    history = History()
    for step in range(10_000):
        history.append(step, *range(8))
    assert sum(values.itemsize * len(values) for values in vars(history).values()) == 9 * 8 * 10_000
    copied = History()
    copied.load_state_dict(history.state_dict())
    assert copied.d_fake == history.d_fake and copied.steps[-1] == 9999
