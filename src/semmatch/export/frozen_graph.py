"""From a model to a frozen graph for programs of TensorFlow 1."""

import time
from pathlib import Path

import keras
import numpy as np

from semmatch._folders import writing_file
from semmatch.export.parity import differences_of
from semmatch.export.report import ExportReport
from semmatch.export.tower import check_exportable
from semmatch.export.tower import INPUTS
from semmatch.export.tower import output_name
from semmatch.models.presets import float32_twin

# Protocol Buffers end there.
_MOST_BYTES = 2**31 - 1


def export_frozen_graph(model, path):
    """Writes a model as one GraphDef file, its weights in it as constants.

    It is for programs that read graphs by
    `tf.compat.v1.import_graph_def`, as those of TensorFlow 1 do. Inputs are
    int32 `(batch, length)`, named `input_ids`, `attention_mask` and, where
    the model has segments, `token_type_ids`; the output is named `logits`, or
    `sentence_embedding` of a `BiEncoder`, float32. Texts are tokenised
    outside, see `model.preprocessor`. The file is read back and compared with
    the model before it takes its name.

    Args:
        model: `CrossEncoder` or `BiEncoder` with a preprocessor.
        path: the file to write, such as `"model.pb"`; one that is there is
            replaced once the export has passed.

    Returns:
        `ExportReport`; `bytes` is the size of the file.

    Raises:
        RuntimeError: if Keras runs on another backend than TensorFlow, or if
            scores or vectors differ by more than 1e-4.
        TypeError: for another model.
        ValueError: for weights of more than 2 GiB, which no such file holds,
            and if the model itself gives NaN or infinity.

    >>> import tempfile
    >>> from semmatch.models import CrossEncoder
    >>> from semmatch.models import CrossEncoderPreprocessor, TextEncoder
    >>> preprocessor = CrossEncoderPreprocessor.from_texts(["怎么还款"])
    >>> model = CrossEncoder(TextEncoder(50, 1, 2, 8, 16), preprocessor)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     report = export_frozen_graph(model, f"{folder}/model.pb")
    >>> report.max_difference < 1e-4
    True
    """
    check_exportable(model, "export_frozen_graph")
    start = time.perf_counter()
    size = sum(4 * int(np.prod(weight.shape)) for weight in model.weights)
    if size > _MOST_BYTES:
        raise ValueError(
            "A frozen graph holds weights of at most 2 GiB in float32. "
            f"Received: a model of {size / 2**30:.1f} GiB. Use "
            "`export_saved_model`."
        )
    twin = float32_twin(model)
    with writing_file(path) as file:
        file.write(_graph_def(twin).SerializeToString())
        file.flush()
        differences = differences_of(_reader(file.name, twin), twin)
        differences.check()
        size = Path(file.name).stat().st_size
    seconds = time.perf_counter() - start
    return ExportReport(differences.score, seconds, size, differences.vector)


def _graph_def(model):
    """What a model computes, from placeholders and constants."""
    import tensorflow as tf

    names = model.preprocessor.feature_names
    values = [(variable, variable.numpy()) for variable in model.variables]
    with tf.Graph().as_default():
        inputs = {
            name: tf.compat.v1.placeholder(
                tf.int32, (None, None), name=INPUTS[name]
            )
            for name in names
        }
        weights = [
            (variable, tf.constant(value, name=variable.path))
            for variable, value in values
        ]
        with keras.StatelessScope(state_mapping=weights):
            outputs = model(inputs, training=False)
        tf.identity(outputs, name=output_name(model))
        # Older programs refuse attributes that they do not know.
        graph_def = tf.compat.v1.train.export_meta_graph(
            strip_default_attrs=True
        ).graph_def
    _leave_out_unused(
        graph_def, [output_name(model), *(INPUTS[name] for name in names)]
    )
    return graph_def


def _leave_out_unused(graph_def, names):
    """Keeps what the named nodes need, such as no pooler that is not read."""
    nodes = {node.name: node for node in graph_def.node}
    needed = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            # "^name" is waited for alone, "name:1" a second output.
            waiting += [
                source.removeprefix("^").split(":")[0]
                for source in nodes[name].input
            ]
    for place in reversed(range(len(graph_def.node))):
        if graph_def.node[place].name not in needed:
            del graph_def.node[place]


def _reader(path, model):
    """What gives the outputs of a file for features, as TensorFlow 1 does."""
    import tensorflow as tf

    graph_def = tf.compat.v1.GraphDef()
    graph_def.ParseFromString(Path(path).read_bytes())
    graph = tf.Graph()
    with graph.as_default():
        tf.compat.v1.import_graph_def(graph_def, name="")

    def run(features):
        feed = {
            f"{INPUTS[name]}:0": values for name, values in features.items()
        }
        with tf.compat.v1.Session(graph=graph) as session:
            return session.run(f"{output_name(model)}:0", feed)

    return run
