"""How many characters two texts share."""

import collections


def character_overlap(text_a, text_b):
    """The Dice coefficient of two texts' characters, in [0, 1].

    Twice the number of shared characters by the number of all, where a
    character that occurs twice in both texts is shared twice. White space
    around the texts does not count; two empty texts share nothing.

    >>> character_overlap("还还款", "还还钱")  # 2 * 2 / (3 + 3)
    0.6666666666666666
    """
    text_a, text_b = text_a.strip(), text_b.strip()
    shared = collections.Counter(text_a) & collections.Counter(text_b)
    return 2 * shared.total() / max(1, len(text_a) + len(text_b))
