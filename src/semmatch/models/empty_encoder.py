"""An encoder without random weights, for those that are about to be loaded."""

import keras
from keras import ops

from semmatch.models.text_encoder import TextEncoder


class _ZerosAndTable(keras.initializers.Initializer):
    """Zeros, but for what has the shape of the table of tokens."""

    def __init__(self, table):
        self.table = table

    def __call__(self, shape, dtype=None):
        if self.table is None or tuple(shape) != self.table.shape:
            return ops.zeros(shape, dtype)
        return ops.convert_to_tensor(self.table, dtype)


def empty_encoder(config, dtype=None, table=None):
    """Builds an encoder for weights that are about to be loaded.

    To draw random ones takes as long as all the rest of building it.

    Args:
        config: a dict of the arguments of `TextEncoder`.
        dtype: as of `TextEncoder`.
        table: float32 `(vocabulary_size, width)`, what the table of tokens
            begins as, or None for zeros. To assign it once everything is
            there would take three times its memory.

    Returns:
        `TextEncoder`, all kernels of which are zeros.

    >>> encoder = empty_encoder(TextEncoder(100, 1, 2, 8, 16).get_config())
    >>> float(encoder.get_layer("token_embedding").embeddings[5, 0])
    0.0
    """
    initializer = _ZerosAndTable(table)
    encoder = TextEncoder.from_config(
        {**config, "initializer": initializer, "dtype": dtype}
    )
    # What is made of its configuration or that of a layer shall learn; and
    # the table is not to be held twice.
    encoder.initializer = None
    initializer.table = None
    usual = keras.initializers.GlorotUniform()
    for layer in encoder._flatten_layers():
        for name, value in list(vars(layer).items()):
            if value is initializer:
                setattr(layer, name, usual)
    return encoder
