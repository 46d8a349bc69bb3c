"""From a model to a SavedModel that takes strings."""

import dataclasses
import time
import warnings

import numpy as np

from semmatch._folders import writing_folder
from semmatch.export.graph_form import no_graph_form
from semmatch.export.parity import Differences
from semmatch.export.parity import differences_of
from semmatch.export.parity import vector_difference
from semmatch.export.tower import check_exportable
from semmatch.export.tower import INPUTS
from semmatch.export.tower import output_name
from semmatch.models import BiEncoder
from semmatch.models.presets import float32_twin

# Texts on which scores are compared, taken over all of them.
_NUM_COMPARED = 64

# TensorFlow's own name for the folder of what it does not read.
_EXTRA = "assets.extra"


@dataclasses.dataclass(frozen=True)
class SavedModelReport:
    """What an export to a SavedModel gave.

    Attributes:
        max_difference: float, the largest difference between a score of the
            exported model and of the float32 model, on random ids and on
            pairs of texts.
        seconds: float, duration of the export, the checks included.
        bytes: int, size of the folder.
        max_vector_difference: float, the largest difference of a component of
            a vector, as a share of the vector's length; None of a
            cross-encoder.
        texts: int, on which the tokenizer and its graph form were compared.
        mismatches: int, texts of which they give different tokens.
    """

    max_difference: float
    seconds: float
    bytes: int
    max_vector_difference: float | None
    texts: int
    mismatches: int

    @property
    def mismatch_rate(self):
        """`mismatches` as a share of `texts`."""
        return self.mismatches / self.texts


def export_saved_model(model, folder, *, texts=None):
    """Writes a model as a SavedModel, with its tokenizer in the graph.

    Whoever loads it needs TensorFlow and tensorflow_text alone, such as
    TensorFlow Serving. Its signatures take strings `(n,)` in UTF-8:

    - `score`, which is `serving_default` as well: `text_a`, `text_b` to
      `scores`, float32 `(n,)`, or `(n, classes)` of more than two, as
      `model.score` gives them.
    - `encode_query` and `encode_passage` of a `BiEncoder`: `texts` to
      `sentence_embedding`, float32 `(n, dim)`, each with its prompt.
    - `tokenize`: the same texts to the ids that `ids` takes, of a `BiEncoder`
      without a prompt.
    - `ids`: int32 `(n, length)`, `input_ids`, `attention_mask` and, where the
      model has segments, `token_type_ids`, to `logits`, or
      `sentence_embedding`.

    WordPiece and Unigram tokenizers have a graph form, byte-level BPE has
    none. It is compared with the tokenizer on `texts`, and the SavedModel is
    read back and compared with the model before it takes its name.
    `tokenizer.json` lies in `assets.extra`.

    Args:
        model: `CrossEncoder` or `BiEncoder` with a preprocessor.
        folder: path; what is there of the same names is replaced once the
            export has passed. TensorFlow Serving reads folders named by a
            version, such as `"ranker/1"`.
        texts: list of strings, your own, on which to compare the tokenizer
            with its graph form; None for bundled ones.

    Returns:
        `SavedModelReport`.

    Raises:
        RuntimeError: if Keras runs on another backend than TensorFlow, if
            tokens differ on more than 0.1 % of `texts`, or if scores or
            vectors differ by more than 1e-4.
        TypeError: for another model.
        ValueError: for a tokenizer or a scoring that has no graph form, and
            if the model itself gives NaN or infinity.

    >>> import tempfile
    >>> from semmatch.models import CrossEncoderPreprocessor, TextEncoder
    >>> from semmatch.models import CrossEncoder
    >>> preprocessor = CrossEncoderPreprocessor.from_texts(["怎么还款"])
    >>> model = CrossEncoder(TextEncoder(50, 1, 2, 8, 16), preprocessor)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     report = export_saved_model(model, folder, texts=["怎么还款"])
    >>> report.mismatches, report.max_difference < 1e-4
    (0, True)
    """
    check_exportable(model, "export_saved_model")
    if model.scoring.long == "max":
        raise no_graph_form(
            '`Scoring(long="max")`, of windows whose number differs from pair '
            "to pair,"
        )
    from semmatch.export.graph_tokenizer import GraphTokenizer
    from semmatch.export.token_check import checked_texts
    from semmatch.export.token_check import equal_texts

    start = time.perf_counter()
    tokenizer = model.preprocessor.tokenizer
    texts = checked_texts(texts)
    with writing_folder(folder) as target:
        graph = GraphTokenizer(tokenizer)
        equal = equal_texts(tokenizer, graph, texts, _prompts(model))
        twin = float32_twin(model)
        _save(twin, graph, target)
        differences = _differences(target, twin, equal)
        differences.check()
        (target / _EXTRA).mkdir()
        tokenizer.save(target / _EXTRA)
        size = _size(target)
    return SavedModelReport(
        differences.score,
        time.perf_counter() - start,
        size,
        differences.vector,
        len(texts),
        len(texts) - len(equal),
    )


def _prompts(model):
    if not isinstance(model, BiEncoder):
        return ("",)
    preprocessor = model.preprocessor
    return (preprocessor.query_prompt, preprocessor.passage_prompt)


def _save(model, tokenizer, folder):
    import tensorflow as tf

    from semmatch.export.signatures import signatures

    module = tf.Module()
    # What the functions read must hang on the module.
    module.tokenizer = tokenizer
    module.weights = [variable.value for variable in model.variables]
    tf.saved_model.save(module, folder, signatures(model, tokenizer))


def _differences(folder, model, texts):
    """How far the written SavedModel is from the model, on ids and texts."""
    import tensorflow as tf

    from semmatch.export.token_check import to_strings

    loaded = tf.saved_model.load(folder)
    output = output_name(model)

    def call(name, **inputs):
        return loaded.signatures[name](**inputs)

    def run(features):
        inputs = {
            INPUTS[name]: tf.constant(features[name])
            for name in model.preprocessor.feature_names
        }
        return call("ids", **inputs)[output].numpy()

    of_ids = differences_of(run, model)
    # What strings give is compared with what their ids give.
    scorer = model.pair_scorer()
    scorer.run = run
    texts = texts[:: max(1, len(texts) // _NUM_COMPARED)]
    first, second = to_strings(texts), to_strings(texts[::-1])
    found = call("score", text_a=first, text_b=second)["scores"].numpy()
    with warnings.catch_warnings():
        # Of texts that are cut: some are there to be cut.
        warnings.simplefilter("ignore", UserWarning)
        expected = scorer.score(list(zip(texts, texts[::-1], strict=True)))
        score = max(of_ids.score, float(np.abs(found - expected).max()))
        if of_ids.vector is None:
            return Differences(score)
        vectors = [of_ids.vector]
        for side in ("query", "passage"):
            found = call(f"encode_{side}", texts=first)[output].numpy()
            expected = scorer.encode(texts, side=side)
            vectors.append(vector_difference(found, expected))
    return Differences(score, max(vectors))


def _size(folder):
    files = [file for file in folder.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)
