"""Serves an exported model with onnxruntime and tokenizers alone."""

import functools
from pathlib import Path

import numpy as np

from semmatch._checks import check_one_of
from semmatch._checks import check_positive_int
from semmatch.serving.at_once import AtOnce
from semmatch.serving.cpu_limit import cpu_limit
from semmatch.serving.deploy_folder import OUTPUTS
from semmatch.serving.deploy_folder import read_config
from semmatch.serving.embedding_scorer import EmbeddingScorer
from semmatch.serving.encoding import encode
from semmatch.serving.encoding import similarity
from semmatch.serving.pair_scorer import PairScorer
from semmatch.serving.providers import FEATURES
from semmatch.serving.providers import open_graph
from semmatch.serving.providers import PROVIDERS
from semmatch.serving.scorer import Scorer
from semmatch.tokenizers import Packer
from semmatch.tokenizers import Tokenizer
from semmatch.tokenizers.rows import MULTIPLE
from semmatch.tokenizers.rows import padded_lengths
from semmatch.tokenizers.text_packing import TextPacker


class Matcher(Scorer):
    """Scores, ranks and encodes with a folder that `export_onnx` wrote.

    It needs numpy, onnxruntime and tokenizers, neither TensorFlow nor Keras.
    One object may be used from several threads at once, and each gets what it
    would get alone. `encode` and `similarity` are of the folder of a
    `BiEncoder`.

    Args:
        folder: path; each file is checked against its recorded SHA-256.
        num_threads: int or None, threads to compute with; None takes as many
            as this process or container has cores, see `cpu_limit`. From two
            on onnxruntime holds the weights twice.
        provider: `"onnxruntime"`, or `"openvino"` where it is installed
            (`pip install semmatch[openvino]`), which computes folders in
            float32 and `"int8-static"`.

    Attributes:
        config: `DeployConfig`.
        num_threads: int, threads to compute with.
        provider: string, with its version, such as `"onnxruntime 1.20.0"`.

    Raises:
        FileNotFoundError: if it is no such folder, or incomplete.
        ImportError: without the provider's package.
        RuntimeError: if the provider is too old for the graph.
        ValueError: if a file was changed, or is none that `semmatch.json`
            describes; if `num_threads` is no count; for OpenVINO and a folder
            in `"int8"`.

    >>> matcher = Matcher("deploy")  # doctest: +SKIP
    >>> matcher.rank("怎么还款", ["如何还贷", "怎么注销"], top_k=1)
    ... # doctest: +SKIP
    [Ranked(index=0, score=0.98, text='如何还贷')]
    """

    def __init__(self, folder, num_threads=None, *, provider="onnxruntime"):
        check_one_of(provider, PROVIDERS, "provider")
        if num_threads is None:
            num_threads = cpu_limit()
        self.num_threads = check_positive_int(num_threads, "num_threads")
        folder = Path(folder)
        self.config = config = read_config(folder)
        tokenizer = Tokenizer.from_folder(folder)
        session = open_graph(folder, config, provider, self.num_threads)
        self.provider = session.version
        output = OUTPUTS[config.kind]

        def run(features, **options):
            inputs = {
                name: features[FEATURES[name]].astype("int64")
                for name in session.inputs
            }
            return session.run(output, inputs, **options)

        self.run = run
        at_once, multiple = None, MULTIPLE
        if session.at_once:
            run_single = functools.partial(run, one_thread=True)
            at_once, multiple = AtOnce(run_single, self.num_threads), 1
        length, scoring = config.sequence_length, config.scoring
        if config.embedding is None:
            self.packer = Packer(
                tokenizer,
                length,
                truncation=config.truncation,
                multiple=multiple,
            )
            self._scorer = PairScorer(
                self.packer,
                run,
                scoring,
                num_classes=session.outputs[output][-1],
                at_once=at_once,
            )
        else:
            self.packer = TextPacker(tokenizer, length, multiple=multiple)
            self._scorer = EmbeddingScorer(
                self.packer, run, scoring, config.embedding, at_once=at_once
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

    def warm_up(self, longest=None):
        """Computes what the first requests would else wait for.

        A provider takes the memory of a computation when it first meets one
        so large, and OpenVINO compiles for each new length. This runs full
        batches of the longest rows, one for each thread, one row of each
        multiple of 8, to which OpenVINO pads, and an empty pair from strings
        to scores. That is the work of 2,300 tokens where `longest` is 64, and
        of 19,000 where it is 512. Scores are the same with and without it.

        Args:
            longest: int, the most tokens that are expected of a pair, of a
                bi-encoder of a text; None for all that the model takes.

        Raises:
            ValueError: if `longest` is no count, or more than the model takes.
        """
        most = self.packer.sequence_length
        longest = most if longest is None else longest
        longest = check_positive_int(longest, "longest")
        if longest > most:
            raise ValueError(
                f"`longest` must be at most {most}, the model's "
                f"`sequence_length`. Received: longest={longest}."
            )
        lengths = np.unique(padded_lengths(np.arange(1, longest + 1), most))
        largest = int(lengths[-1])
        at_once = self._scorer.at_once
        batches = 1 if at_once is None else self.num_threads
        tokens = (at_once or self._scorer).max_tokens
        rows = batches * max(1, tokens // largest)
        full = functools.partial(self._ones, length=largest)
        for _ in self._scorer.outputs([largest] * rows, full):
            pass
        for length in lengths:
            self.run(self._ones([0], length))
        self.score([("", "")])

    def _ones(self, rows, length):
        """Features of rows of any text."""
        ones = np.ones((len(rows), length), "int32")
        return {
            "token_ids": ones * self.packer.tokenizer.pad_id,
            "padding_mask": ones,
            "segment_ids": 0 * ones,
        }

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
