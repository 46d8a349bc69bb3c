"""From a model to a folder that `Matcher` serves."""

import dataclasses
import importlib.metadata
import time

import onnx

from semmatch._checks import check_one_of
from semmatch._folders import writing_folder
from semmatch.export.block_nodes import blocks_as_nodes
from semmatch.export.graph import to_onnx
from semmatch.export.parity import largest_differences
from semmatch.export.quantize import quantize_int8
from semmatch.export.tower import check_exportable
from semmatch.export.tower import INPUTS
from semmatch.export.tower import output_name
from semmatch.models import CrossEncoder
from semmatch.models.presets import float32_twin
from semmatch.serving.deploy_folder import DeployConfig
from semmatch.serving.deploy_folder import MODEL_FILE
from semmatch.serving.deploy_folder import write_config


@dataclasses.dataclass(frozen=True)
class ExportReport:
    """What an export gave.

    Attributes:
        max_difference: float, the largest difference between a score of the
            exported model and of the float32 model, on random pairs.
        seconds: float, duration of the export, the check included.
        bytes: int, size of the folder.
        max_vector_difference: float, the largest difference of a component of
            a vector, as a share of the vector's length; None of a
            cross-encoder.
    """

    max_difference: float
    seconds: float
    bytes: int
    max_vector_difference: float | None = None


def export_onnx(model, folder, *, quantize=None):
    """Writes a model as a folder that needs no TensorFlow.

    The folder holds `model.onnx` (opset 18, any batch size and length, int64
    inputs `input_ids`, `attention_mask` and, where the model has segments,
    `token_type_ids`), `tokenizer.json` and `semmatch.json`. Its output is
    `logits` of a `CrossEncoder`, and `sentence_embedding` of a `BiEncoder`:
    pooling, projection and normalisation are inside, prompts are put before
    texts by whoever tokenises, as `semmatch.json` says. It is read back and
    compared with the model before it takes its name.

    Args:
        model: `CrossEncoder` or `BiEncoder` with a preprocessor.
        folder: path; what is there is replaced once the export has passed.
        quantize: None, or `"int8"` for weights of 8 bits (dynamic
            quantisation): a quarter of the size and faster on most CPUs.

    Returns:
        `ExportReport`.

    Raises:
        RuntimeError: if Keras runs on another backend than TensorFlow, or if
            exported scores or vectors differ by more than 1e-4 (before
            quantisation).
        TypeError: for another model.

    >>> import tempfile
    >>> from semmatch.models import CrossEncoderPreprocessor, TextEncoder
    >>> from semmatch.models import CrossEncoder
    >>> preprocessor = CrossEncoderPreprocessor.from_texts(["怎么还款"])
    >>> model = CrossEncoder(TextEncoder(50, 1, 2, 8, 16), preprocessor)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     report = export_onnx(model, folder)
    >>> report.max_difference < 1e-4
    True
    """
    check_one_of(quantize, (None, "int8"), "quantize")
    check_exportable(model, "export_onnx")
    start = time.perf_counter()
    twin = float32_twin(model)
    config = _config(model)
    with writing_folder(folder) as target:
        graph = _tower_graph(twin, output_name(twin))
        onnx.save(graph, target / MODEL_FILE)
        twin.preprocessor.tokenizer.save(target)
        write_config(target, config)
        differences = largest_differences(target, twin)
        differences.check()
        if quantize == "int8":
            quantize_int8(target / MODEL_FILE)
            write_config(target, config)
            differences = largest_differences(target, twin)
        size = sum(file.stat().st_size for file in target.iterdir())
    seconds = time.perf_counter() - start
    return ExportReport(differences.score, seconds, size, differences.vector)


def _config(model):
    preprocessor = model.preprocessor
    if isinstance(model, CrossEncoder):
        own = {"kind": "cross_encoder", "truncation": preprocessor.truncation}
    else:
        embedding = model.pair_scorer().embedding
        own = {"kind": "bi_encoder", "embedding": embedding}
    return DeployConfig(
        sequence_length=preprocessor.sequence_length,
        scoring=model.scoring,
        versions=_versions(),
        **own,
    )


def _tower_graph(model, output):
    """What a model computes of one row, with pooling and head."""
    import tensorflow as tf

    names = model.preprocessor.feature_names
    signature = [
        tf.TensorSpec((None, None), tf.int64, name=INPUTS[name])
        for name in names
    ]

    def outputs(*features):
        features = [tf.cast(feature, tf.int32) for feature in features]
        inputs = dict(zip(names, features, strict=True))
        return {output: model(inputs, training=False)}

    with blocks_as_nodes():
        return to_onnx(outputs, model.variables, signature)


def _versions():
    packages = ("semmatch", "keras", "tensorflow", "tf2onnx", "onnxruntime")
    return {name: importlib.metadata.version(name) for name in packages}
