"""Losses of matching models, on logits and on embeddings."""

from semmatch.losses.angle import AnglE
from semmatch.losses.contrastive import Contrastive
from semmatch.losses.contrastive import OnlineContrastive
from semmatch.losses.cosent import CoSENT
from semmatch.losses.cosine_mse import CosineMSE
from semmatch.losses.cross_entropy import CrossEntropy
from semmatch.losses.info_nce import InfoNCE
from semmatch.losses.info_nce import SimCSE
from semmatch.losses.listwise_kl import ListwiseKL
from semmatch.losses.loss_sum import LossSum
from semmatch.losses.margin_mse import MarginMSE
from semmatch.losses.matryoshka import Matryoshka
from semmatch.losses.r_drop import RDrop
from semmatch.losses.soft_target_kl import SoftTargetKL
from semmatch.losses.triplet import Triplet

__all__ = [
    "AnglE",
    "CoSENT",
    "Contrastive",
    "CosineMSE",
    "CrossEntropy",
    "InfoNCE",
    "ListwiseKL",
    "LossSum",
    "MarginMSE",
    "Matryoshka",
    "OnlineContrastive",
    "RDrop",
    "SimCSE",
    "SoftTargetKL",
    "Triplet",
]
