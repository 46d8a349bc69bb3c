"""From a model to a folder that `Matcher` serves."""

import dataclasses
import importlib.metadata
import time

import keras
import numpy as np
import onnx

from semmatch._checks import check_one_of
from semmatch._folders import writing_folder
from semmatch.export.graph import to_onnx
from semmatch.export.quantize import quantize_int8
from semmatch.models import CrossEncoder
from semmatch.models.presets import float32_twin
from semmatch.serving import Matcher
from semmatch.serving.deploy_folder import DeployConfig
from semmatch.serving.deploy_folder import MODEL_FILE
from semmatch.serving.deploy_folder import write_config

# The names that other ONNX runtimes of BERT models expect.
_INPUTS = {
    "token_ids": "input_ids",
    "padding_mask": "attention_mask",
    "segment_ids": "token_type_ids",
}

# Float noise of another order of additions stays well below; a wrong mask,
# epsilon or activation does not.
TOLERANCE = 1e-4


@dataclasses.dataclass(frozen=True)
class ExportReport:
    """What an export gave.

    Attributes:
        max_difference: float, the largest difference between a score of the
            exported model and of the float32 model, on random pairs.
        seconds: float, duration of the export, the check included.
        bytes: int, size of the folder.
    """

    max_difference: float
    seconds: float
    bytes: int


def export_onnx(model, folder, *, quantize=None):
    """Writes a model as a folder that needs no TensorFlow.

    The folder holds `model.onnx` (opset 18, any batch size and length, int64
    inputs `input_ids`, `attention_mask` and, where the model has segments,
    `token_type_ids`; output `logits`), `tokenizer.json` and `semmatch.json`.
    It is read back and compared with the model before it takes its name.

    Args:
        model: `CrossEncoder` with a preprocessor.
        folder: path; what is there is replaced once the export has passed.
        quantize: None, or `"int8"` for weights of 8 bits (dynamic
            quantisation): a quarter of the size and faster on most CPUs.

    Returns:
        `ExportReport`.

    Raises:
        RuntimeError: if Keras runs on another backend than TensorFlow, or if
            the exported scores differ by more than 1e-4 (before
            quantisation).

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
    if not isinstance(model, CrossEncoder):
        raise TypeError(
            "`export_onnx` takes a `CrossEncoder`; load one by "
            "`CrossEncoder.from_preset`. Received: a "
            f"{type(model).__name__}."
        )
    if keras.config.backend() != "tensorflow":
        raise RuntimeError(
            "`export_onnx` traces the model with TensorFlow. Received: Keras "
            f"on {keras.config.backend()!r}. Save the model by "
            "`save_to_preset` and export it in a process with "
            "KERAS_BACKEND=tensorflow."
        )
    preprocessor = model.preprocessor_or_error()
    start = time.perf_counter()
    twin = float32_twin(model)
    with writing_folder(folder) as target:
        onnx.save(_cross_encoder_graph(twin), target / MODEL_FILE)
        preprocessor.tokenizer.save(target)
        config = DeployConfig(
            kind="cross_encoder",
            sequence_length=preprocessor.sequence_length,
            truncation=preprocessor.truncation,
            scoring=model.scoring,
            versions=_versions(),
        )
        write_config(target, config)
        difference = _max_difference(target, twin)
        if not difference <= TOLERANCE:  # catches NaN as well
            raise RuntimeError(
                f"The exported scores differ from the model's by "
                f"{difference:.1e}, more than {TOLERANCE:.0e}; nothing was "
                "written. Please report the model's configuration."
            )
        if quantize == "int8":
            quantize_int8(target / MODEL_FILE)
            write_config(target, config)
            difference = _max_difference(target, twin)
        size = sum(file.stat().st_size for file in target.iterdir())
    return ExportReport(difference, time.perf_counter() - start, size)


def _cross_encoder_graph(model):
    import tensorflow as tf

    names = model.preprocessor.feature_names
    signature = [
        tf.TensorSpec((None, None), tf.int64, name=_INPUTS[name])
        for name in names
    ]

    def logits(*features):
        features = [tf.cast(feature, tf.int32) for feature in features]
        inputs = dict(zip(names, features, strict=True))
        return {"logits": model(inputs, training=False)}

    return to_onnx(logits, model.variables, signature)


def _max_difference(folder, model):
    """The largest difference of a score, on pairs of random tokens.

    Random ids reach the whole vocabulary and the lengths the whole range,
    which a few example sentences do not.
    """
    random = np.random.default_rng(0)
    packer = model.preprocessor.packer
    longest = min(64, packer.sequence_length)
    ids = [
        random.integers(packer.tokenizer.vocabulary_size, size=length).tolist()
        for length in range(longest)
    ]
    features = packer.pack_ids(ids, ids[::-1])
    exported = Matcher(folder).run(features)
    names = model.preprocessor.feature_names
    expected = model.predict_on_batch({name: features[name] for name in names})
    scores = model.scoring.scores
    return float(np.abs(scores(exported) - scores(expected)).max())


def _versions():
    packages = ("semmatch", "keras", "tensorflow", "tf2onnx", "onnxruntime")
    return {name: importlib.metadata.version(name) for name in packages}
