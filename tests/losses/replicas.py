"""Replicas without `tf.distribute`: one at a time is given all rows."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="tests")
def only_replica(tensor):
    """A `gather` of one replica, which has all rows."""
    return tensor, 0


class Replica:
    """A `gather` of the replica whose rows begin at `start`.

    It is asked for tensors in an order that does not change, so that one pass
    of each replica shows what all of them would bring together.
    """

    def __init__(self, start):
        self.start = start
        self.own = []
        self.others = None

    def __call__(self, tensor):
        self.own.append(tensor)
        if self.others is None:
            return tensor, 0
        place = len(self.own) - 1
        rows = [
            tensor if other is self else other.own[place]
            for other in self.others
        ]
        return ops.concatenate(rows, axis=0), self.start


def on_replicas(make, ids, vectors, sizes):
    """The values of each replica's rows.

    Args:
        make: function from a `gather` to a function of ids and vectors.
        ids: array `(batch, ...)`.
        vectors: array `(batch, texts, dim)`.
        sizes: list of ints, the rows of each replica.
    """
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    replicas = [Replica(start) for start in starts]
    parts = [
        (ids[start : start + size], vectors[start : start + size])
        for start, size in zip(starts, sizes, strict=True)
    ]
    for replica, part in zip(replicas, parts, strict=True):
        make(replica)(*part)
    found = []
    for replica, part in zip(replicas, parts, strict=True):
        again = Replica(replica.start)
        again.others = [
            again if other is replica else other for other in replicas
        ]
        found.append(make(again)(*part))
    return found
