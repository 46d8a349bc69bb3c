"""From a model to a folder that `Matcher` serves."""

import importlib.metadata
import time
from pathlib import Path

import onnx

from semmatch._folders import writing_folder
from semmatch.export.block_nodes import blocks_as_nodes
from semmatch.export.choose_quantization import check_choice
from semmatch.export.choose_quantization import write_quantized
from semmatch.export.graph import to_onnx
from semmatch.export.graph_file import save_graph
from semmatch.export.graph_file import weights_file
from semmatch.export.parity import largest_differences
from semmatch.export.report import ExportReport
from semmatch.export.tower import check_exportable
from semmatch.export.tower import INPUTS
from semmatch.export.tower import output_name
from semmatch.models import CrossEncoder
from semmatch.models.presets import float32_twin
from semmatch.serving.deploy_folder import DeployConfig
from semmatch.serving.deploy_folder import MODEL_FILE
from semmatch.serving.deploy_folder import write_config


def export_onnx(model, folder, *, quantize=None, data=None, max_loss=None):
    """Writes a model as a folder that needs no TensorFlow.

    The folder holds `model.onnx` (opset 18, any length and batch of one row
    or more, int64 inputs `input_ids`, `attention_mask` and, where the model
    has segments, `token_type_ids`), `tokenizer.json` and `semmatch.json`;
    weights of more than 2 GiB are in `model.onnx.data`. Its output is
    `logits` of a `CrossEncoder`, and `sentence_embedding` of a `BiEncoder`:
    pooling, projection and normalisation are inside, prompts are put before
    texts by whoever tokenises, as `semmatch.json` says. Where the pooling of a
    `TextEncoder` is `"cls"` or `"pooler"`, the last layer gives the first
    token alone. What was written is read back and compared with the model
    before it takes its name.

    With `quantize` weights have 8 bits, and the file a quarter of its size.
    `"int8"` (dynamic) rounds the vector of each token by its own largest
    component. `"int8-static"` rounds by ranges that it measures on up to 512
    pairs of `data`, which is faster. `"auto"` writes both and float32,
    measures all three on `data` and on the clock of this machine, and keeps
    the fastest whose loss is at most `max_loss`. Scores of either do not
    depend on the batch.

    Args:
        model: `CrossEncoder` or `BiEncoder` with a preprocessor.
        folder: path; what is there is replaced once the export has passed.
        quantize: None, `"int8"`, `"int8-static"` or `"auto"`.
        data: `Pairs` such as those to be served, other than those that the
            model was trained on; for `"int8-static"` and `"auto"`. With
            labels, which `"auto"` needs, what is written is measured on them
            and admitted or not: by accuracy at the model's threshold, of
            graded labels by Spearman's correlation.
        max_loss: float, how much less of that figure is admitted than float32
            has; None for 0.002.

    Returns:
        `ExportReport`; print it to see what was measured.

    Raises:
        RuntimeError: if Keras runs on another backend than TensorFlow; if
            exported scores or vectors differ by more than 1e-4 (before
            quantisation); if a quantised model gives no numbers, or loses
            more than `max_loss`. Nothing is written then.
        TypeError: for another model, and if `data` is no `Pairs`.
        ValueError: if `data`, its labels or its rows are missing, or without
            effect; if the model itself gives NaN or infinity.

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
    check_choice(quantize, data, max_loss)
    check_exportable(model, "export_onnx")
    start = time.perf_counter()
    twin = float32_twin(model)
    trials = ()
    with writing_folder(folder) as target:
        path = target / MODEL_FILE
        save_graph(_tower_graph(twin, output_name(twin)), path)
        _check_graph(path)
        twin.preprocessor.tokenizer.save(target)
        write_config(target, _config(model))
        differences = largest_differences(target, twin)
        differences.check()
        if quantize is not None:
            quantize, trials = write_quantized(target, quantize, data, max_loss)
        if quantize is not None:
            differences = largest_differences(target, twin)
            differences.check_finite(quantize)
        files = [file.name for file in target.iterdir()]
        size = sum((target / name).stat().st_size for name in files)
    _drop_weights(Path(folder), files)
    return ExportReport(
        max_difference=differences.score,
        seconds=time.perf_counter() - start,
        bytes=size,
        max_vector_difference=differences.vector,
        quantization=quantize,
        trials=trials,
    )


def _drop_weights(folder, files):
    """Deletes the gigabytes of an older graph that the new one has inside."""
    weights = weights_file(folder / MODEL_FILE)
    if weights.name not in files:
        weights.unlink(missing_ok=True)


def _check_graph(path):
    try:
        # By its path, since only files may be larger than a protobuf.
        onnx.checker.check_model(str(path))
    except onnx.checker.ValidationError as error:
        raise ValueError(
            "`export_onnx` writes what ONNX has an operation for, and this "
            f"model has another one: {error}. Use `export_saved_model`."
        ) from error


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

    with blocks_as_nodes(model):
        return to_onnx(outputs, model.variables, signature)


def _versions():
    packages = ("semmatch", "keras", "tensorflow", "tf2onnx", "onnxruntime")
    return {name: importlib.metadata.version(name) for name in packages}
