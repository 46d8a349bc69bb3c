"""Every loss of vectors with labels that it takes."""

import numpy as np

from semmatch import losses

BINARY = np.array([0, 1, 1, 0, 0, 1])
GRADES = np.array([0.0, 1.0, 0.25, 0.0, 0.5, 1.0])
GROUPS = np.array([0, 1, 0, 1, 2, 2])
# A repeated group, a negative of another's, an empty place, an empty row.
IDS = np.array(
    [
        [0, 0, 10, 11],
        [1, 1, 12, 3],
        [0, 0, 13, 14],
        [3, 3, 15, -1],
        [4, 4, 4, 16],
        [-1, -1, -1, -1],
    ]
)
TEACHER = np.array(
    [
        [1.0, -2.0, 3.0],
        [2.0, 0.5, np.nan],
        [4.0, 1.0, 2.0],
        [np.nan, 0.0, 1.0],
        [0.0, np.nan, np.nan],
        [3.0, -3.0, 0.0],
    ]
)

# Of each: the loss, labels, and texts of a row.
CASES = {
    "cosent": (losses.CoSENT(), GRADES, 2),
    "angle": (losses.AnglE(), GRADES, 2),
    "cosine_mse": (losses.CosineMSE(), GRADES, 2),
    "cosine_mse euclidean": (losses.CosineMSE("euclidean"), GRADES, 2),
    "contrastive": (losses.Contrastive(), BINARY, 2),
    "contrastive euclidean": (losses.Contrastive(2, "euclidean"), BINARY, 2),
    "online": (losses.OnlineContrastive(), BINARY, 2),
    "online manhattan": (losses.OnlineContrastive(9, "manhattan"), BINARY, 2),
    "info_nce": (losses.InfoNCE(), IDS, 4),
    "info_nce of examples": (losses.InfoNCE(), GROUPS, 3),
    "info_nce symmetric": (losses.InfoNCE(symmetric=True), IDS, 4),
    "info_nce dot": (losses.InfoNCE(1.0, similarity="dot"), IDS, 4),
    "info_nce euclidean": (losses.InfoNCE(similarity="euclidean"), IDS, 4),
    "sim_cse": (losses.SimCSE(), GROUPS, 2),
    "triplet": (losses.Triplet(), IDS, 4),
    "triplet euclidean": (losses.Triplet(5, "euclidean"), IDS, 4),
    "triplet hard": (losses.Triplet(mining="hard"), IDS, 4),
    "triplet hard euclidean": (
        losses.Triplet(5, "euclidean", "hard"),
        GROUPS,
        1,
    ),
    "triplet semi_hard": (losses.Triplet(mining="semi_hard"), IDS, 4),
    "margin_mse": (losses.MarginMSE(), TEACHER, 4),
    "listwise_kl": (losses.ListwiseKL(), TEACHER, 4),
    "listwise_kl dot": (losses.ListwiseKL(2.0, "dot", 0.5), TEACHER, 4),
    "listwise_kl manhattan": (losses.ListwiseKL(1, "manhattan"), TEACHER, 4),
    "matryoshka": (losses.Matryoshka(losses.InfoNCE(), [2, 5]), IDS, 4),
    "loss_sum": (
        losses.LossSum([losses.CoSENT(), losses.CosineMSE()], [1.0, 2.0]),
        GRADES,
        2,
    ),
}
# Those whose examples are compared with each other.
BATCH_LEVEL = {name for name in CASES if "mse" not in name} - {
    "contrastive",
    "contrastive euclidean",
    "listwise_kl",
    "listwise_kl dot",
    "listwise_kl manhattan",
    "triplet",
    "triplet euclidean",
}
