"""Graphs that OpenVINO computes; needs the `openvino` extra."""

import threading

from semmatch._optional import require


class OpenvinoSession:
    """A graph that is loaded once and may be run from several threads.

    It computes in float32. Left to itself OpenVINO takes bfloat16 where the
    processor has it, and scores then differ in the second digit.

    Args:
        path: path of `model.onnx`.
        num_threads: int, threads of one computation.

    Attributes:
        version: string, such as `"openvino 2026.4.1"`.
        at_once: False, it computes one batch at a time with all threads.
        inputs: list of the names of the graph's inputs.
        outputs: a dict from the name of each output to its shape, a list with
            strings where a dimension is free. What the graph calls it on the
            way to there are names of it, too.

    Raises:
        ImportError: without OpenVINO.
        RuntimeError: if OpenVINO does not know the graph.
    """

    def __init__(self, path, num_threads):
        openvino = require("openvino", "openvino")
        self.version = f"openvino {openvino.__version__.partition('-')[0]}"
        self.at_once = False
        settings = {
            "INFERENCE_NUM_THREADS": num_threads,
            "INFERENCE_PRECISION_HINT": "f32",
        }
        try:
            self._compiled = openvino.Core().compile_model(
                str(path), "CPU", settings
            )
        except RuntimeError as error:
            raise RuntimeError(
                f"{self.version} cannot load {path}: {error}. Take "
                'provider="onnxruntime".'
            ) from error
        # A request holds the arrays of one computation.
        self._requests = threading.local()
        # An input, too, may have several names; this is the graph's.
        self.inputs = [
            port.node.friendly_name for port in self._compiled.inputs
        ]
        self.outputs = {
            name: [
                size.get_length() if size.is_static else str(size)
                for size in node.partial_shape
            ]
            for node in self._compiled.outputs
            for name in node.names
        }

    def run(self, output, inputs):
        """Computes one output.

        Args:
            output: string, its name.
            inputs: a dict from the name of each input to an int64 array.

        Returns:
            A float32 array.
        """
        if not hasattr(self._requests, "own"):
            self._requests.own = self._compiled.create_infer_request()
        # What it gives lies in the request, which the next run overwrites.
        return self._requests.own.infer(inputs)[output].copy()
