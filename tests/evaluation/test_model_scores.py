"""What of a model is measured: its scores, or its similarities."""

from types import SimpleNamespace

import numpy as np
import pytest

from semmatch._records import Embedding
from semmatch._records import Scoring
from semmatch.evaluation import compare_correlations
from semmatch.evaluation import evaluate_pairs
from semmatch.serving import PairScorer
from semmatch.serving.embedding_scorer import EmbeddingScorer
from tests.evaluation.fixed_scores import FixedScores
from tests.evaluation.fixed_scores import pairs_of


class Vectors(EmbeddingScorer):
    """A model of vectors whose similarities are known."""

    def __init__(self, similarities, scoring):
        super().__init__(None, None, scoring, Embedding(2))
        self.similarities = np.array(similarities, "float32")

    def logits(self, pairs):
        return self.similarities[:, None]


def test_graded_labels_meet_similarities_and_classes_meet_scores():
    # Fitted to classes, scores of the higher three are all 1 in float32.
    similarities = [0.0, 0.6, 0.7, 0.8]
    fitted = Vectors(similarities, Scoring("cosine").fitted(100.0, 0.0))
    assert fitted.score(pairs_of([1] * 4)).tolist() == [0.5, 1, 1, 1]
    wrapped = FixedScores(None)
    wrapped.pair_scorer = lambda: fitted  # as that of a model or a `Matcher`
    for model in (fitted, wrapped):
        report = evaluate_pairs(model, pairs_of([0, 2, 3, 5]), num_resamples=5)
        assert report.spearman == pytest.approx(1)
        assert report.scores == pytest.approx(similarities)
        expected = np.corrcoef([0, 2, 3, 5], similarities)[0, 1]
        assert report.pearson == pytest.approx(expected, abs=1e-6)
    found = compare_correlations(
        fitted, FixedScores([0.1, 0.3, 0.2, 0.4]), pairs_of([0, 2, 3, 5])
    )
    assert found.figures["pearson"].a == pytest.approx(expected, abs=1e-6)
    report = evaluate_pairs(fitted, pairs_of([0, 0, 1, 1]), num_resamples=5)
    assert report.scores.tolist() == [0.5, 1, 1, 1]
    assert report.pearson is None
    # A model that reads both texts together has scores alone.
    cross = FixedScores(np.array([0.1, 0.2, 0.9, 0.8]))
    cross.pair_scorer = lambda: PairScorer(None, None, cross.scoring)
    report = evaluate_pairs(cross, pairs_of([0, 2, 3, 5]), num_resamples=5)
    assert report.scores.tolist() == cross.scores.tolist()
    # As has one of which nothing is known but its vectors.
    cross.pair_scorer = lambda: SimpleNamespace(encode=None)
    again = evaluate_pairs(cross, pairs_of([0, 2, 3, 5]), num_resamples=5)
    assert again.to_dict() == report.to_dict()
