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
    """A graph that may be run from several threads.

    It is loaded twice if `num_threads` is more than one, since onnxruntime
    fixes the threads of a computation when it loads a graph.

    Args:
        path: path of `model.onnx`.
        num_threads: int, threads of one computation.

    Attributes:
        at_once: True, for several computations at once `run` has `one_thread`.
        version: string, such as `"onnxruntime 1.20.0"`.
        inputs: list of the names of the graph's inputs.
        outputs: a dict from the name of each output to its shape, a list with
            strings where a dimension is free.

    Raises:
        RuntimeError: if onnxruntime is too old, in itself or for the graph.
    """

    def __init__(self, path, num_threads):
        self.version = f"onnxruntime {onnxruntime.__version__}"
        self.at_once = True
        _check_version(onnxruntime.__version__)
        self._session = self._load(path, num_threads)
        self._single = self._session
        if num_threads > 1:
            self._single = self._load(path, 1)
        self.inputs = [node.name for node in self._session.get_inputs()]
        self.outputs = {
            node.name: node.shape for node in self._session.get_outputs()
        }

    def run(self, output, inputs, *, one_thread=False):
        """Computes one output.

        Args:
            output: string, its name.
            inputs: a dict from the name of each input to an int64 array.
            one_thread: bool, whether with one thread, the caller's.

        Returns:
            A float32 array.
        """
        session = self._single if one_thread else self._session
        return session.run([output], inputs)[0]

    def _load(self, path, num_threads):
        options = onnxruntime.SessionOptions()
        # Above warnings: what a graph optimizer notices is not the user's.
        options.log_severity_level = 3
        options.intra_op_num_threads = num_threads
        try:
            return onnxruntime.InferenceSession(
                path, options, providers=["CPUExecutionProvider"]
            )
        except _LOAD_ERRORS as error:
            raise RuntimeError(
                f"{self.version} cannot load {path}: {error}. Install the "
                "onnxruntime that semmatch.json names under `versions`, or a "
                "newer one: pip install --upgrade onnxruntime."
            ) from error


def _check_version(version):
    found = tuple(int(part) for part in version.split(".")[:2])
    if found < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise RuntimeError(
            f"Deploy folders need onnxruntime {oldest} or newer. Received: "
            f"onnxruntime {version}. Run: pip install --upgrade onnxruntime."
        )
