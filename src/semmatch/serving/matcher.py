"""Serves an exported model with onnxruntime and tokenizers alone."""

from pathlib import Path

import onnxruntime

from semmatch._checks import check_positive_int
from semmatch.serving.deploy_folder import MODEL_FILE
from semmatch.serving.deploy_folder import read_config
from semmatch.serving.pair_scorer import PairScorer
from semmatch.tokenizers import Packer
from semmatch.tokenizers import Tokenizer

# Our names of the features, by the names of the graph's inputs.
_FEATURES = {
    "input_ids": "token_ids",
    "attention_mask": "padding_mask",
    "token_type_ids": "segment_ids",
}


class Matcher(PairScorer):
    """Scores and ranks with a folder that `export_onnx` wrote.

    It needs numpy, onnxruntime and tokenizers, neither TensorFlow nor Keras.
    One object may be used from several threads at once.

    Args:
        folder: path; each file is checked against its recorded SHA-256.
        num_threads: int or None, threads of one computation; None takes as
            many as there are cores.

    Raises:
        FileNotFoundError: if it is no such folder, or incomplete.
        ValueError: if a file was changed, or `num_threads` is no count.

    >>> matcher = Matcher("deploy")  # doctest: +SKIP
    >>> matcher.rank("怎么还款", ["如何还贷", "怎么注销"], top_k=1)
    ... # doctest: +SKIP
    [Ranked(index=0, score=0.98, text='如何还贷')]
    """

    def __init__(self, folder, num_threads=None):
        if num_threads is not None:
            num_threads = check_positive_int(num_threads, "num_threads")
        folder = Path(folder)
        config = read_config(folder)
        packer = Packer(
            Tokenizer.from_folder(folder),
            config.sequence_length,
            truncation=config.truncation,
        )
        options = onnxruntime.SessionOptions()
        # Above warnings: what a graph optimizer notices is not the user's.
        options.log_severity_level = 3
        if num_threads is not None:
            options.intra_op_num_threads = num_threads
        session = onnxruntime.InferenceSession(
            folder / MODEL_FILE, options, providers=["CPUExecutionProvider"]
        )
        names = [node.name for node in session.get_inputs()]

        def run(features):
            inputs = {
                name: features[_FEATURES[name]].astype("int64")
                for name in names
            }
            return session.run(None, inputs)[0]

        classes = session.get_outputs()[0].shape[1]
        super().__init__(packer, run, config.scoring, num_classes=classes)
        self.config = config
