"""From ragged ids to the arrays that an encoder reads, in a graph."""

import tensorflow as tf

from semmatch.tokenizers.rows import MULTIPLE


def kept_of_pairs(ids_a, ids_b, packer):
    """Pairs without what does not fit, as `Packer.cut`.

    Args:
        ids_a: ragged int32 `(batch, ids)`, without special tokens.
        ids_b: ragged int32 `(batch, ids)`.
        packer: `semmatch.tokenizers.Packer`.

    Returns:
        Two ragged int32 `(batch, ids)`.
    """
    a, b = ids_a.row_lengths(), ids_b.row_lengths()
    room = _room(packer, packer.tokenizer.pair)
    if packer.truncation == "only_second":
        a = tf.minimum(a, room)
        return _first(ids_a, a), _first(ids_b, tf.minimum(b, room - a))
    # As `Packer`, which says why.
    shorter, longer = tf.minimum(a, b), tf.maximum(a, b)
    fits = shorter + longer <= room
    cut_longer = tf.maximum(shorter, room - shorter)
    halves = shorter + cut_longer > room
    new_shorter = tf.where(halves, room // 2, shorter)
    new_longer = tf.where(halves, room // 2 + room % 2, cut_longer)
    new_a = tf.where(a > b, new_longer, new_shorter)
    new_b = tf.where(a > b, new_shorter, new_longer)
    return (
        _first(ids_a, tf.where(fits, a, new_a)),
        _first(ids_b, tf.where(fits, b, new_b)),
    )


def kept_of_texts(ids, packer):
    """Texts without what does not fit, as `TextPacker`.

    Args:
        ids: ragged int32 `(batch, ids)`, without special tokens.
        packer: `semmatch.tokenizers.text_packing.TextPacker`.

    Returns:
        ragged int32 `(batch, ids)`.
    """
    room = _room(packer, packer.tokenizer.single)
    return _first(ids, tf.minimum(ids.row_lengths(), room))


def fill_template(template, ids, packer):
    """Puts texts and special tokens where a template has them.

    Args:
        template: tuple of `Part`.
        ids: a dict from a text's name, `"A"` or `"B"`, to its ids that fit,
            ragged int32 `(batch, ids)`.
        packer: `Packer` or `TextPacker`, of whose lengths the result is.

    Returns:
        A dict of int32 `(batch, length)`, as of the packer.
    """
    rows = ids["A"].nrows()
    tokens, segments = [], []
    for part in template:
        values = ids[part.text] if part.text else _repeated(part.ids, rows)
        tokens.append(values)
        segments.append(tf.ones_like(values) * part.segment)
    row = tf.concat(tokens, axis=1)
    lengths = row.row_lengths()
    # Of no rows that of the shortest, since of no tokens a model makes rows.
    longest = tf.reduce_max(tf.concat([lengths, [1]], axis=0))
    padded = -(-longest // MULTIPLE) * MULTIPLE
    length = tf.minimum(padded, packer.sequence_length)
    shape = tf.stack([rows, length])
    pad = packer.tokenizer.pad_id
    return {
        "token_ids": row.to_tensor(pad, shape=shape),
        "padding_mask": tf.sequence_mask(lengths, length, tf.int32),
        "segment_ids": tf.concat(segments, axis=1).to_tensor(0, shape=shape),
    }


def _room(packer, template):
    """How many tokens of texts a row holds, int64."""
    special = sum(len(part.ids) for part in template)
    return tf.constant(packer.sequence_length - special, tf.int64)


def _first(ids, kept):
    """The first `kept` ids of each row, which has as many."""
    rows = ids.value_rowids()
    places = tf.range(tf.size(rows, tf.int64)) - tf.gather(
        ids.row_starts(), rows
    )
    values = tf.boolean_mask(ids.flat_values, places < tf.gather(kept, rows))
    return tf.RaggedTensor.from_row_lengths(values, kept, validate=False)


def _repeated(ids, rows):
    values = tf.tile(tf.constant(ids, tf.int32), [tf.cast(rows, tf.int32)])
    return tf.RaggedTensor.from_uniform_row_length(
        values, len(ids), nrows=rows, validate=False
    )
