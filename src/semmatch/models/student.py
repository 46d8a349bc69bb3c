"""A smaller model made of a trained one, to be trained by it."""

import collections.abc
import numbers

import keras
import numpy as np

from semmatch._checks import check_positive_int
from semmatch._checks import check_text
from semmatch.checkpoints import LoadReport
from semmatch.models.bi_preprocessor import BiEncoderPreprocessor
from semmatch.models.empty_encoder import empty_encoder
from semmatch.models.matching_task import MatchingTask
from semmatch.models.text_encoder import TextEncoder
from semmatch.models.trainable import merged_weights
from semmatch.tokenizers.trimming import trim_vocabulary

_TOKENS = "token_embedding/embeddings"
_TABLES = (
    _TOKENS,
    "position_embedding/embeddings",
    "segment_embedding/embeddings",
)
# The usual width of a head of narrow encoders.
_HEAD_WIDTH = 32


def student_from(
    teacher, layers, *, hidden_dim=None, vocabulary=None, dtype=None
):
    """Makes a small model of a trained one, for distillation.

    Without `hidden_dim` the student has some of the teacher's blocks, and its
    embeddings, pooler and head. All of its weights are trained, whatever part
    of the teacher was; what LoRA adds to a matrix is in the matrix.

    With `hidden_dim` all is narrower: `intermediate_dim` in proportion, heads
    as wide as the teacher's if that divides `hidden_dim`, else 32 wide. Blocks,
    pooler and head start fresh. The embeddings of tokens start as the
    principal components of the teacher's, since they are most of a small
    model's weights and rare tokens are hardly trained: of all vectors of this
    width these keep the most of what tells tokens apart. Those of positions
    and segments are taken along the same axes, so that sums stay sums; of
    each table what all rows share is left out, which tells nothing apart; and
    their norm starts fresh. Embeddings that are no wider than `hidden_dim`
    (ALBERT's) are kept with their norm as they are.

    The student has the teacher's preprocessor and settings, `symmetric` and
    `long` of its scoring among them. Thresholds and temperature were fitted to
    the teacher's logits and do not hold for others: fit them again.

    Source: Sanh et al. 2019, DistilBERT (a student of some of the blocks).

    Args:
        teacher: `CrossEncoder` or `BiEncoder` on a `TextEncoder`. It stays as
            it is.
        layers: int, keeps the first blocks; or a list of the numbers of
            blocks from 0, in order, such as `[0, 3, 7, 11]`. With
            `hidden_dim`, and for a teacher whose layers share a block, an int.
        hidden_dim: int or None, the width of a narrower student.
        vocabulary: list of strings or None; the tokenizer and the table of
            tokens are cut to what these texts need, see `trim_vocabulary`.
        dtype: policy of the computation, or None for the teacher's own.

    Returns:
        A compiled model of the teacher's class; `load_report` says which of
        the teacher's weights it has, and which of its own start fresh.

    Raises:
        ValueError: for another teacher; for layers that the teacher does not
            have; for a `hidden_dim` that is not smaller or cannot be divided
            into heads; for a vocabulary that `trim_vocabulary` refuses.

    >>> from semmatch.models import CrossEncoder, CrossEncoderPreprocessor
    >>> texts = ["怎么还款", "loan loan"]
    >>> preprocessor = CrossEncoderPreprocessor.from_texts(texts)
    >>> teacher = CrossEncoder(TextEncoder(50, 4, 2, 8, 16), preprocessor)
    >>> student = student_from(teacher, [0, 3], vocabulary=["怎么还款"])
    >>> student.backbone.num_layers, student.backbone.vocabulary_size
    (2, 16)
    >>> list(student.load_report.unused)
    ['block_1', 'block_2', '34 rows of token_embedding']
    >>> narrow = student_from(teacher, 2, hidden_dim=4).backbone
    >>> narrow.num_heads, narrow.intermediate_dim
    (1, 8)
    """
    if not isinstance(teacher, MatchingTask) or not isinstance(
        teacher.backbone, TextEncoder
    ):
        kind = type(getattr(teacher, "backbone", None)).__name__
        raise ValueError(
            "`student_from` cuts a `CrossEncoder` or a `BiEncoder` on a "
            f"`TextEncoder`. Received: a `{type(teacher).__name__}` on a "
            f"`{kind}`."
        )
    encoder = teacher.backbone
    blocks = _chosen_blocks(layers, encoder, hidden_dim)
    weights = merged_weights(encoder)
    table = keras.ops.convert_to_numpy(weights[_TOKENS])
    preprocessor, cut = teacher.preprocessor, 0
    if vocabulary is not None:
        preprocessor, kept = _trimmed(
            teacher.preprocessor_or_error(), vocabulary
        )
        cut = len(table) - len(kept)
        table = table[kept]
    weights[_TOKENS] = table
    config = {
        **encoder.get_config(),
        "vocabulary_size": len(table),
        "num_layers": len(blocks),
        "trainable": True,
        "dtype": keras.dtype_policies.get(dtype or encoder.dtype_policy),
    }
    if hidden_dim is None:
        small, sources = _with_blocks(config, weights, blocks)
    else:
        config |= _narrow_sizes(encoder, hidden_dim)
        small, sources = _with_axes(config, weights)
    arguments = teacher.get_config()
    arguments = {name: arguments[name] for name in teacher.head_arguments}
    student = type(teacher)(small, preprocessor, **arguments)
    scoring = teacher.scoring
    student.scoring = student.scoring.replace(
        symmetric=scoring.symmetric, long=scoring.long
    )
    if hidden_dim is None:
        for mine, theirs in zip(_head(student), _head(teacher), strict=True):
            mine.set_weights(theirs.get_weights())
            for one, other in zip(mine.weights, theirs.weights, strict=True):
                sources[one.path] = other.path
    report = _report(teacher, student, sources)
    if cut:
        report.unused[f"{cut} rows of token_embedding"] = (
            "pieces that the texts of `vocabulary` do not need"
        )
    student.load_report = report
    return student


def _chosen_blocks(layers, encoder, hidden_dim):
    """The numbers of the blocks, a list."""
    count = encoder.num_layers
    numbered = f"a number from 1 to {count}, the teacher's layers"
    if _is_int(layers):
        if 1 <= layers <= count:
            return list(range(layers))
    elif hidden_dim is not None:
        numbered += ", since with `hidden_dim` all blocks start fresh"
    elif encoder.shared_layers:
        numbered += ", which share one block"
    else:
        is_list = isinstance(layers, collections.abc.Iterable)
        blocks = list(layers) if is_list else []
        if blocks and all(map(_is_int, blocks)):
            known = set(range(count)).intersection(blocks)
            if blocks == sorted(known):
                return sorted(known)
        numbered += (
            f", or a list of its blocks from 0 to {count - 1}, each once and "
            "in order"
        )
    raise ValueError(f"`layers` must be {numbered}. Received: layers={layers}.")


def _is_int(value):
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _trimmed(preprocessor, vocabulary):
    """The preprocessor with a smaller tokenizer, and the ids that it keeps."""
    texts = vocabulary
    if isinstance(vocabulary, str):
        texts = []  # and not its characters
    elif isinstance(preprocessor, BiEncoderPreprocessor):
        texts = [
            prompt + check_text(text, f"text {position} of `vocabulary`")
            for prompt in (
                preprocessor.query_prompt,
                preprocessor.passage_prompt,
            )
            for position, text in enumerate(vocabulary)
        ]
    tokenizer, kept = trim_vocabulary(preprocessor.tokenizer, texts)
    config = {**preprocessor.get_config(), "tokenizer": tokenizer.to_json()}
    return type(preprocessor).from_config(config), kept


def _with_blocks(config, weights, blocks):
    """An encoder of some blocks, and where each of its weights is from."""
    dtype = config["dtype"]
    encoder = empty_encoder(config, dtype, weights[_TOKENS])
    encoder.initializer = keras.initializers.get(config["initializer"])
    sources = {}
    for variable in encoder.weights:
        layer, *rest = variable.path.split("/")
        name, _, index = layer.rpartition("_")
        if name == "block":
            layer = f"block_{blocks[int(index)]}"
        sources[variable.path] = "/".join([layer, *rest])
        # The largest one is there already.
        if variable.path != _TOKENS:
            variable.assign(weights[sources[variable.path]])
    return encoder, sources


def _narrow_sizes(encoder, hidden_dim):
    """Arguments of the narrower encoder."""
    check_positive_int(hidden_dim, "hidden_dim")
    own = encoder.hidden_dim // encoder.num_heads
    widths = [w for w in (own, _HEAD_WIDTH) if hidden_dim % w == 0]
    if hidden_dim >= encoder.hidden_dim or not widths:
        raise ValueError(
            f"`hidden_dim` must be below {encoder.hidden_dim}, the teacher's, "
            f"and a multiple of {own}, the width of its heads, or of "
            f"{_HEAD_WIDTH}. Received: hidden_dim={hidden_dim}."
        )
    width = encoder.embedding_dim
    inner = hidden_dim * encoder.intermediate_dim // encoder.hidden_dim
    return {
        "hidden_dim": hidden_dim,
        "num_heads": hidden_dim // widths[0],
        "intermediate_dim": max(1, inner),
        "embedding_dim": width if width and width <= hidden_dim else None,
    }


def _with_axes(config, weights):
    """A fresh encoder with the principal components of the embeddings."""
    encoder = TextEncoder.from_config(config)
    paths = {variable.path: variable for variable in encoder.weights}
    if config["embedding_dim"] is None:
        axes = _principal_axes(weights[_TOKENS], config["hidden_dim"])
        kept = [path for path in _TABLES if path in paths]
        for path in kept:
            rows = keras.ops.convert_to_numpy(weights[path])
            paths[path].assign((rows - rows.mean(axis=0)) @ axes)
    else:
        kept = [p for p in paths if p in _TABLES or "embedding_norm" in p]
        for path in kept:
            paths[path].assign(weights[path])
    return encoder, dict(zip(kept, kept, strict=True))


def _principal_axes(table, number):
    """Directions in which rows differ most, float64 `(width, number)`."""
    rows = table.astype("float64")
    rows -= rows.mean(axis=0)
    # Of the small matrix of products, whose singular vectors are the same.
    _, _, axes = np.linalg.svd(rows.T @ rows)
    return axes[:number].T


def _head(model):
    """The layers after the encoder that have weights."""
    return [
        layer
        for layer in model._flatten_layers(include_self=False, recursive=False)
        if layer.weights and not isinstance(layer, keras.Model)
    ]


def _report(teacher, student, sources):
    """What of the teacher the student has, and what of its own is new."""
    used = tuple(sources.values())
    narrow = student.backbone.hidden_dim < teacher.backbone.hidden_dim
    reason = "of another width" if narrow else "not among the chosen layers"
    new = [v.path for v in student.weights if v.path not in sources]
    theirs = _layers(v.path for v in teacher.weights)
    return LoadReport(
        used,
        unused={n: reason for n in theirs if n not in _layers(used)},
        initialised=tuple(_layers(new)),
    )


def _layers(paths):
    """The names of the layers of weights, each once and in order."""
    return dict.fromkeys(path.partition("/")[0] for path in paths)
