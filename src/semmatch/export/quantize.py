"""Weights of 8 bits."""

import logging
import os

import onnxruntime.quantization


def quantize_int8(path):
    """Replaces an ONNX file by its dynamically quantised form.

    Weights of matrix products become 7 bits, each output channel with a scale
    of its own, and tables of embeddings 8 bits with one scale a table;
    activations are quantised as they come.

    Args:
        path: `pathlib.Path` of the file.
    """
    temporary = path.with_suffix(".int8.onnx")
    # Its advice to preprocess the graph does not help dynamic quantisation.
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        onnxruntime.quantization.quantize_dynamic(
            path,
            temporary,
            per_channel=True,
            weight_type=onnxruntime.quantization.QuantType.QInt8,
            # 7 bits: a CPU without VNNI adds up two products in 16 bits, and
            # of 8 bits each they are beyond them.
            reduce_range=True,
            extra_options={"DefaultTensorType": 1},  # float, where unknown
        )
    finally:
        logger.setLevel(level)
    os.replace(temporary, path)
