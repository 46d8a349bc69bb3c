"""Exports of a trained model."""

from semmatch.export.onnx import export_onnx
from semmatch.export.onnx import ExportReport
from semmatch.export.transformers import export_transformers

__all__ = ["ExportReport", "export_onnx", "export_transformers"]
