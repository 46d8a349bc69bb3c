"""Exports of a trained model."""

from semmatch.export.frozen_graph import export_frozen_graph
from semmatch.export.onnx import export_onnx
from semmatch.export.quantization_trials import QuantizationTrial
from semmatch.export.report import ExportReport
from semmatch.export.saved_model import export_saved_model
from semmatch.export.saved_model import SavedModelReport
from semmatch.export.transformers import export_transformers

__all__ = [
    "ExportReport",
    "QuantizationTrial",
    "SavedModelReport",
    "export_frozen_graph",
    "export_onnx",
    "export_saved_model",
    "export_transformers",
]
