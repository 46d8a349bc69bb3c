"""What the activations of a graph come to on texts."""

import copy
import dataclasses
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from semmatch.export.graph_file import save_graph
from semmatch.serving import Matcher
from semmatch.serving.at_once import AtOnce
from semmatch.serving.deploy_folder import MODEL_FILE
from semmatch.serving.deploy_folder import OUTPUTS
from semmatch.serving.providers import FEATURES

# Pairs that are enough: ranges of 512 and of 4,096 differ by less than what
# another draw of as many changes.
NUM_PAIRS = 512

# Tokens of one batch. Every activation of it is kept.
_MAX_TOKENS = 512


@dataclasses.dataclass(frozen=True, eq=False)
class Range:
    """What values the components of an activation have.

    Attributes:
        low: float32 `(dim,)`, the least of each, or 0 if that is above.
        high: float32 `(dim,)`, the largest of each, or 0 if that is below.
    """

    low: np.ndarray
    high: np.ndarray


def calibrate(folder, pairs, names):
    """Measures the ranges of activations on texts.

    Texts are tokenised and cut as `Matcher` does, and without padding as
    there.

    Args:
        folder: `pathlib.Path` of a deploy folder in float32.
        pairs: `Pairs`; of more than 512 so many are drawn, always the same.
        names: list of strings, activations of its graph. The last dimension
            is that of a vector.

    Returns:
        A dict from each name to its `Range`.
    """
    if len(pairs) > NUM_PAIRS:
        random = np.random.default_rng(0)
        rows = random.choice(len(pairs), NUM_PAIRS, replace=False)
        pairs = pairs[np.sort(rows)]
    matcher = Matcher(folder)
    watch = _Watch(folder / MODEL_FILE, matcher, names)
    scorer = copy.copy(matcher.pair_scorer())
    scorer.run = watch
    # In batches of one length: in which order a graph holds the vectors of
    # texts that are padded is its own affair.
    scorer.at_once = AtOnce(watch, num_threads=1, max_tokens=_MAX_TOKENS)
    scorer.logits(pairs)
    return watch.ranges


class _Watch:
    """A graph that shows some of what it computes on the way."""

    def __init__(self, path, matcher, names):
        self.names = names
        self.output = OUTPUTS[matcher.config.kind]
        self.session = _session_with_outputs(path, names, matcher.num_threads)
        self.ranges = {}

    def __call__(self, features):
        inputs = {
            node.name: features[FEATURES[node.name]].astype("int64")
            for node in self.session.get_inputs()
        }
        output, *activations = self.session.run(
            [self.output, *self.names], inputs
        )
        for name, values in zip(self.names, activations, strict=True):
            self.widen(name, values.reshape(-1, values.shape[-1]))
        return output

    def widen(self, name, rows):
        old = self.ranges.get(name, Range(np.float32(0), np.float32(0)))
        self.ranges[name] = Range(
            np.minimum(old.low, rows.min(axis=0)),
            np.maximum(old.high, rows.max(axis=0)),
        )


def _session_with_outputs(path, names, num_threads):
    model = onnx.load(path)
    model.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
        for name in names
    )
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = num_threads
    # Beside it: where temporary files else are there may be no room for it.
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        watched = Path(folder) / MODEL_FILE
        save_graph(model, watched)
        return onnxruntime.InferenceSession(
            watched, options, providers=["CPUExecutionProvider"]
        )
