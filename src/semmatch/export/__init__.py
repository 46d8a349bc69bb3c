"""Exports of a trained model."""

from semmatch.export.onnx import export_onnx
from semmatch.export.onnx import ExportReport

__all__ = ["ExportReport", "export_onnx"]
