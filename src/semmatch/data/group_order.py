"""An order of rows whose batches hold few rows of one group."""

import numpy as np

# Rows that are sorted by length together make fewer batches than this.
_BATCHES_PER_CHUNK = 128

# One in so many rows of a batch may be of a group. Of 63 other rows in batches
# of QA_corpus 62.1 are then negatives of a row and at least 60 of any row; by
# length alone, 62.0 and 46. With one row of a group, wherever that can be, it
# is 62.8, and there are 24 % more tokens, all of them padding.
_ROWS_PER_GROUP_ROW = 16


def group_order(lengths, groups, batch_size, seed, epoch):
    """The order of rows in one epoch: batches of few lengths and many groups.

    Rows of one group are no negatives of each other, and a batch of one
    group would teach nothing. A group stands in a batch at most `batch_size
    // 16` times and once at least; if it has too many rows for that, it has
    as many in each batch as the number of whole batches asks for, rounded
    up. As far as that allows, rows of similar length share a batch. Batches
    are shuffled; an incomplete one stays at the end.

    Rows are halved at random until there are chunks of less than 128 batches,
    and a chunk by length until there are batches. Each time, what is more of
    a group than the batches of one half may hold goes to the other half.

    Args:
        lengths: int `(n,)`, the length of each row in any unit.
        groups: int `(n,)`, the group of each row.
        batch_size: int.
        seed: int.
        epoch: int.

    Returns:
        int64 `(n,)`, each row number once.

    >>> groups = np.array([7, 7, 7, 8, 8, 8])
    >>> order = group_order(np.ones(6), groups, 2, seed=0, epoch=0)
    >>> groups[order].reshape(3, 2).sum(axis=1).tolist()
    [15, 15, 15]
    """
    random = np.random.default_rng([seed, epoch])
    lengths, groups = np.asarray(lengths), np.asarray(groups)
    times = max(1, batch_size // _ROWS_PER_GROUP_ROW)

    def batches(rows, count):
        """`rows`, whose number is a multiple of `count`, as that many."""
        if count <= 1:
            return [rows] * count
        by_length = count < _BATCHES_PER_CHUNK
        keys = lengths[rows] if by_length else random.random(len(rows))
        first = count // 2
        counts = first, count - first
        size = len(rows) // count * first
        one, other = _halves(keys, groups[rows], size, counts, times)
        return batches(rows[one], first) + batches(rows[other], count - first)

    # At random, so that of equal lengths, too, chance decides.
    rows = random.permutation(len(lengths))
    count, rest = divmod(len(rows), batch_size)
    keys = random.random(len(rows))
    last, whole = _halves(keys, groups[rows], rest, (1, count), times)
    parts = batches(rows[whole], count)
    shuffled = [parts[place] for place in random.permutation(count)]
    return np.concatenate([*shuffled, rows[last]]).astype("int64")


def _halves(keys, groups, size, counts, times):
    """The places of the `size` lowest keys, and those of the others.

    Args:
        keys: `(n,)`, what to order by.
        groups: int `(n,)`.
        size: int.
        counts: two ints, how many batches each half is to make.
        times: int, how often a group may stand in a batch, or more if it
            must. Where a half would have more of it, the rows at that end go
            to the other half.
    """
    first, second = counts
    order = np.lexsort((keys, groups))
    _, starts, own = np.unique(
        groups[order], return_index=True, return_counts=True
    )
    place = np.arange(len(order)) - np.repeat(starts, own)
    times = np.maximum(times, -(-own // (first + second)))
    lead = place < np.repeat(own - times * second, own)
    trail = place >= np.repeat(times * first, own)
    side = np.empty(len(order), int)
    side[order] = trail.astype(int) - lead
    ranked = np.lexsort((keys, side))
    return ranked[:size], ranked[size:]
