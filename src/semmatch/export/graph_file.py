"""ONNX files, with their weights inside or, where they are many, beside."""

import onnx

# Bytes of weights in one protobuf, which holds 2 GiB. What is beside them has
# the last 16 MiB.
MOST_BYTES = 2**31 - 2**24

# Ends the name of the file that has the weights of such a graph.
_WEIGHTS = ".data"


def save_graph(model, path):
    """Writes an ONNX file.

    Where its weights are beyond what one file may hold, they go into a second
    one beside it, `model.onnx.data` of `model.onnx`. onnxruntime, OpenVINO
    and `onnx.load` find it there.

    Args:
        model: `onnx.ModelProto`; what goes into the second file is in it no
            more.
        path: `pathlib.Path`; what is there is replaced.
    """
    weights = weights_file(path)
    # Of a graph that was here before; onnx would append to it.
    weights.unlink(missing_ok=True)
    # Not `ByteSize`, which fails of what is beyond a protobuf.
    size = sum(len(tensor.raw_data) for tensor in model.graph.initializer)
    if size <= MOST_BYTES:
        onnx.save(model, path)
    else:
        onnx.save(
            model, path, save_as_external_data=True, location=weights.name
        )


def weights_file(path):
    """The second file of a graph, which large ones alone have.

    >>> from pathlib import Path
    >>> weights_file(Path("deploy/model.onnx")).name
    'model.onnx.data'
    """
    return path.with_name(path.name + _WEIGHTS)
