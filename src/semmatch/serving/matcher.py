"""Serves an exported model with onnxruntime and tokenizers alone."""

from pathlib import Path

import onnxruntime

from semmatch._checks import check_positive_int
from semmatch.serving.deploy_folder import MODEL_FILE
from semmatch.serving.deploy_folder import OUTPUTS
from semmatch.serving.deploy_folder import read_config
from semmatch.serving.embedding_scorer import EmbeddingScorer
from semmatch.serving.encoding import encode
from semmatch.serving.encoding import similarity
from semmatch.serving.pair_scorer import PairScorer
from semmatch.serving.scorer import Scorer
from semmatch.tokenizers import Packer
from semmatch.tokenizers import Tokenizer
from semmatch.tokenizers.text_packing import TextPacker

# Our names of the features, by the names of the graph's inputs.
_FEATURES = {
    "input_ids": "token_ids",
    "attention_mask": "padding_mask",
    "token_type_ids": "segment_ids",
}


class Matcher(Scorer):
    """Scores, ranks and encodes with a folder that `export_onnx` wrote.

    It needs numpy, onnxruntime and tokenizers, neither TensorFlow nor Keras.
    One object may be used from several threads at once. `encode` and
    `similarity` are of the folder of a `BiEncoder`.

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
        self.config = config = read_config(folder)
        tokenizer = Tokenizer.from_folder(folder)
        session = _session(folder / MODEL_FILE, num_threads)
        output = OUTPUTS[config.kind]
        names = [node.name for node in session.get_inputs()]

        def run(features):
            inputs = {
                name: features[_FEATURES[name]].astype("int64")
                for name in names
            }
            return session.run([output], inputs)[0]

        self.run = run
        length, scoring = config.sequence_length, config.scoring
        if config.embedding is None:
            self.packer = Packer(
                tokenizer, length, truncation=config.truncation
            )
            classes = session.get_outputs()[0].shape[1]
            self._scorer = PairScorer(
                self.packer, run, scoring, num_classes=classes
            )
        else:
            self.packer = TextPacker(tokenizer, length)
            self._scorer = EmbeddingScorer(
                self.packer, run, scoring, config.embedding
            )
        super().__init__(scoring, self._scorer.num_classes)

    # As they stand there, with their documentation.
    encode = encode
    similarity = similarity

    def logits(self, pairs):
        """Logits of pairs, float32 `(n, classes)`, in the order given.

        Of a bi-encoder the similarities of their vectors, `(n, 1)`.
        """
        return self._scorer.logits(pairs)

    def pair_scorer(self):
        """What all goes through, a `PairScorer` or an `EmbeddingScorer`."""
        return self._scorer

    @property
    def scoring(self):
        """`Scoring`, how logits become scores; another may be assigned."""
        return self._scorer.scoring

    @scoring.setter
    def scoring(self, scoring):
        self._scorer.scoring = scoring

    @property
    def embedding(self):
        """`Embedding`, what vectors are; None of a cross-encoder."""
        return self.config.embedding


def _session(path, num_threads):
    options = onnxruntime.SessionOptions()
    # Above warnings: what a graph optimizer notices is not the user's.
    options.log_severity_level = 3
    if num_threads is not None:
        options.intra_op_num_threads = num_threads
    return onnxruntime.InferenceSession(
        path, options, providers=["CPUExecutionProvider"]
    )
