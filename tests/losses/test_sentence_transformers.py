"""The values of sentence-transformers' losses, recorded and live."""

import json
from pathlib import Path

import numpy as np
import pytest

from semmatch import losses
from tests.losses.vectors import precise

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
RECORD = json.loads((FIXTURES / "losses.json").read_text(encoding="utf-8"))
WIDTHS = [3, 5, 7]

# Of each recorded value: our loss, the input, the labels. Theirs are means
# over the batch but for OnlineContrastive, a sum, and the one of CoSENT.
LOSSES = {
    "cosent": (losses.CoSENT(), "pairs", "grades"),
    "angle": (losses.AnglE(), "pairs", "grades"),
    "angle of 2": (losses.AnglE(2.0), "pairs", "grades"),
    "cosine_mse": (losses.CosineMSE(), "pairs", "shares"),
    "info_nce": (losses.InfoNCE(), "lists", None),
    "info_nce of pairs": (losses.InfoNCE(0.5), "pairs", None),
    "info_nce symmetric": (losses.InfoNCE(symmetric=True), "lists", None),
    "margin_mse": (losses.MarginMSE(), "lists", "teacher"),
    "margin_mse cosine": (losses.MarginMSE("cosine"), "lists", "teacher"),
    "listwise_kl": (losses.ListwiseKL(1, "dot", 1), "lists", "teacher"),
    "listwise_kl cosine": (
        losses.ListwiseKL(0.5, "cosine", 1),
        "lists",
        "teacher",
    ),
    # Of two temperatures theirs is multiplied by the square of the student's.
    "listwise_kl of 2 and 0.1": (
        losses.LossSum([losses.ListwiseKL(2.0, scale=20.0)], [20.0**-2]),
        "lists",
        "teacher",
    ),
    "matryoshka": (
        losses.Matryoshka(losses.InfoNCE(), WIDTHS, [0.5, 2.0, 1.0]),
        "lists",
        None,
    ),
    "matryoshka cosent": (
        losses.Matryoshka(losses.CoSENT(), WIDTHS),
        "pairs",
        "grades",
    ),
}
for metric in ("cosine", "euclidean", "manhattan"):
    LOSSES |= {
        f"contrastive {metric}": (
            losses.Contrastive(similarity=metric),
            "pairs",
            "matches",
        ),
        f"online_contrastive {metric}": (
            losses.OnlineContrastive(similarity=metric, reduction="sum"),
            "pairs",
            "matches",
        ),
        f"triplet {metric}": (losses.Triplet(0.5, metric), "triplets", None),
    }
for label in (0, 1):
    LOSSES[f"online_contrastive all {label}"] = (
        losses.OnlineContrastive(reduction="sum"),
        "pairs",
        label,
    )
for mining in ("hard", "semi_hard"):
    for metric in ("cosine", "euclidean"):
        LOSSES[f"triplet {mining} {metric}"] = (
            losses.Triplet(0.5, metric, mining),
            "texts",
            "groups",
        )

LIVE = """
import json, runpy, sys
values = runpy.run_path(sys.argv[1])["values"]
print(json.dumps(values(json.load(sys.stdin))))
"""


def ours(name, inputs):
    loss, vectors, labels = LOSSES[name]
    lists, pairs = np.array(inputs["lists"]), np.array(inputs["pairs"])
    vectors = {
        "lists": lists,
        "pairs": pairs,
        "triplets": lists[:, :3],
        "texts": pairs[:, :1],
    }[vectors]
    if isinstance(labels, str):
        labels = np.array(inputs[labels])
    else:
        # Each row a group of its own, or all of one label.
        rows = len(vectors)
        labels = np.arange(rows) if labels is None else np.full(rows, labels)
    return float(precise(loss)(labels, vectors))


def assert_equal(name, found, expected):
    # PyTorch adds 1e-6 to each difference of a Euclidean distance.
    rtol = 1e-5 if name.endswith(("euclidean", "manhattan")) else 2e-6
    np.testing.assert_allclose(found, expected, rtol=rtol)


def test_each_recorded_value_is_compared():
    assert set(LOSSES) == set(RECORD["values"])


@pytest.mark.parametrize("name", LOSSES)
def test_a_value_is_the_recorded_one(name):
    assert_equal(name, ours(name, RECORD["inputs"]), RECORD["values"][name])


@pytest.mark.slow
def test_values_are_those_of_the_installed_one(peer):
    random = np.random.default_rng(1)
    inputs = {
        **RECORD["inputs"],
        "pairs": random.normal(size=(9, 2, 7)).tolist(),
        "lists": random.normal(size=(9, 4, 7)).tolist(),
    }
    theirs = peer(LIVE, FIXTURES / "record_losses.py", inputs)
    assert set(theirs) == set(LOSSES)
    for name, expected in theirs.items():
        assert_equal(name, ours(name, inputs), expected)
