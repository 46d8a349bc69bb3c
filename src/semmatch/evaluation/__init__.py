"""Figures and reports over labels and scores; needs NumPy alone."""

from semmatch.evaluation.calibration import brier_score
from semmatch.evaluation.calibration import expected_calibration_error
from semmatch.evaluation.calibration import fit_temperature
from semmatch.evaluation.classification import average_precision
from semmatch.evaluation.classification import confusion_matrix
from semmatch.evaluation.classification import precision_recall_curve
from semmatch.evaluation.classification import PrecisionRecallCurve
from semmatch.evaluation.classification import roc_auc
from semmatch.evaluation.compare import compare
from semmatch.evaluation.compare import Comparison
from semmatch.evaluation.compare_figures import compare_correlations
from semmatch.evaluation.compare_figures import compare_rankings
from semmatch.evaluation.correlations import matthews_correlation
from semmatch.evaluation.correlations import pearson
from semmatch.evaluation.correlations import spearman
from semmatch.evaluation.figure_comparison import Difference
from semmatch.evaluation.figure_comparison import FigureComparison
from semmatch.evaluation.pair_report import PairError
from semmatch.evaluation.pair_report import PairReport
from semmatch.evaluation.pairs import evaluate_pairs
from semmatch.evaluation.platt import fit_platt
from semmatch.evaluation.plots import plot_report
from semmatch.evaluation.prior import PriorFigures
from semmatch.evaluation.ranking import evaluate_ranking
from semmatch.evaluation.ranking_figures import hit_at
from semmatch.evaluation.ranking_figures import ndcg_at
from semmatch.evaluation.ranking_figures import ranked_average_precision
from semmatch.evaluation.ranking_figures import recall_at
from semmatch.evaluation.ranking_figures import reciprocal_rank
from semmatch.evaluation.ranking_report import RankingReport
from semmatch.evaluation.report import classification_report
from semmatch.evaluation.report import ClassificationReport
from semmatch.evaluation.retrieval import evaluate_retrieval
from semmatch.evaluation.thresholds import choose_threshold
from semmatch.evaluation.thresholds import Threshold

__all__ = [
    "ClassificationReport",
    "Comparison",
    "Difference",
    "FigureComparison",
    "PairError",
    "PairReport",
    "PrecisionRecallCurve",
    "PriorFigures",
    "RankingReport",
    "Threshold",
    "average_precision",
    "brier_score",
    "choose_threshold",
    "classification_report",
    "compare",
    "compare_correlations",
    "compare_rankings",
    "confusion_matrix",
    "evaluate_pairs",
    "evaluate_ranking",
    "evaluate_retrieval",
    "expected_calibration_error",
    "fit_platt",
    "fit_temperature",
    "hit_at",
    "matthews_correlation",
    "ndcg_at",
    "pearson",
    "plot_report",
    "precision_recall_curve",
    "ranked_average_precision",
    "recall_at",
    "reciprocal_rank",
    "roc_auc",
    "spearman",
]
