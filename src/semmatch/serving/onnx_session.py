"""Graphs that onnxruntime computes."""

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as errors

# The bound of `setup.cfg`, for machines where nothing else enforces it.
OLDEST = (1, 20)

# What a graph that this onnxruntime does not know raises, depending on where
# it is noticed.
_LOAD_ERRORS = (
    errors.Fail,
    errors.InvalidArgument,
    errors.InvalidGraph,
    errors.InvalidProtobuf,
    errors.NotImplemented,
    errors.RuntimeException,
)


class OnnxSession:
    """A graph that is loaded once and may be run from several threads.

    Args:
        path: path of `model.onnx`.
        num_threads: int, threads of one computation.

    Attributes:
        version: string, such as `"onnxruntime 1.20.0"`.
        inputs: list of the names of the graph's inputs.
        outputs: a dict from the name of each output to its shape, a list with
            strings where a dimension is free.

    Raises:
        RuntimeError: if onnxruntime is too old, in itself or for the graph.
    """

    def __init__(self, path, num_threads):
        self.version = f"onnxruntime {onnxruntime.__version__}"
        _check_version(onnxruntime.__version__)
        options = onnxruntime.SessionOptions()
        # Above warnings: what a graph optimizer notices is not the user's.
        options.log_severity_level = 3
        options.intra_op_num_threads = num_threads
        try:
            self._session = onnxruntime.InferenceSession(
                path, options, providers=["CPUExecutionProvider"]
            )
        except _LOAD_ERRORS as error:
            raise RuntimeError(
                f"{self.version} cannot load {path}: {error}. Install the "
                "onnxruntime that semmatch.json names under `versions`, or a "
                "newer one: pip install --upgrade onnxruntime."
            ) from error
        self.inputs = [node.name for node in self._session.get_inputs()]
        self.outputs = {
            node.name: node.shape for node in self._session.get_outputs()
        }

    def run(self, output, inputs):
        """Computes one output.

        Args:
            output: string, its name.
            inputs: a dict from the name of each input to an int64 array.

        Returns:
            A float32 array.
        """
        return self._session.run([output], inputs)[0]


def _check_version(version):
    found = tuple(int(part) for part in version.split(".")[:2])
    if found < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise RuntimeError(
            f"Deploy folders need onnxruntime {oldest} or newer. Received: "
            f"onnxruntime {version}. Run: pip install --upgrade onnxruntime."
        )
