"""Reads tensors out of PyTorch's pickles without running what is in them."""

import collections
import math
import pickle
import zipfile

import numpy as np

# Names of storages, by the types of their numbers. numpy has no bfloat16: its
# bits are the upper half of a float32.
_STORAGES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}
# How a file of before PyTorch 1.6 begins, and what follows.
_MAGIC = 0x1950A86A20F9469CFC6C
_HEADER_PICKLES = 3

# What comes of reading bytes that are no pickle.
_DAMAGE = (
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    EOFError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    OverflowError,
)

Storage = collections.namedtuple("Storage", ["key", "dtype"])


class _Refused(Exception):
    """A pickle asks for something else than tensors."""


class PytorchFile:
    """The tensors of a `pytorch_model.bin`, the old form or the new one.

    Its pickle may name ordered dicts, tensors and parameters; whatever else
    it asks for is refused, so that nothing of it runs.

    Args:
        path: path of the file.

    Raises:
        ValueError: if it is no such file, truncated, or asks for code.
    """

    def __init__(self, path):
        self._path = path
        try:
            if zipfile.is_zipfile(path):
                self._views, self._bytes = _read_zip(path)
            else:
                self._views, self._bytes = _read_old(path)
        except _Refused as error:
            raise ValueError(
                f"{path} is refused: {error}. Get the checkpoint as "
                "safetensors, or from a source that you trust."
            ) from error
        except _DAMAGE as error:
            raise ValueError(
                f"{path} ({path.stat().st_size:,} bytes) is truncated or no "
                f"PyTorch file: {error!r}. Download it again."
            ) from error

    def keys(self):
        """The names of the tensors."""
        return list(self._views)

    def shape(self, name):
        """The shape of a tensor, a tuple."""
        return self._views[name][2]

    def get_tensor(self, name):
        """One tensor, an array of its own; bfloat16 comes as float32."""
        storage, offset, shape, strides = self._views[name]
        dtype = storage.dtype
        data = np.frombuffer(
            self._bytes(storage), "<u2" if dtype == "bfloat16" else dtype
        )
        last = offset + sum(
            (size - 1) * stride
            for size, stride in zip(shape, strides, strict=True)
        )
        if math.prod(shape) and not 0 <= offset <= last < len(data):
            raise ValueError(
                f"{self._path}: the tensor {name} reaches beyond its data. "
                "Download the file again."
            )
        strides = [stride * data.itemsize for stride in strides]
        array = np.lib.stride_tricks.as_strided(data[offset:], shape, strides)
        if dtype == "bfloat16":
            return (array.astype("<u4") << 16).view("<f4")
        return array.copy()


class _View(tuple):
    """Storage, offset, shape and strides (in numbers) of a tensor."""

    def __setstate__(self, state):
        raise _Refused("a tensor with a state of its own")


def _rebuild_tensor(storage, offset, shape, strides, *_):
    if not isinstance(storage, Storage):
        raise _Refused("a tensor without a storage")
    return _View((storage, offset, tuple(shape), tuple(strides)))


def _rebuild_parameter(tensor, *_):
    return tensor


class _Unpickler(pickle.Unpickler):
    """Knows tensors and what they lie in, and refuses all else."""

    def find_class(self, module, name):
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return _rebuild_parameter
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        raise _Refused(f"it asks for {module}.{name}, which is no tensor")

    def persistent_load(self, record):
        kind, dtype, key, *_ = record
        if kind != "storage" or dtype not in _STORAGES.values():
            raise _Refused("it asks for data of another kind")
        return Storage(key, dtype)


def _read_zip(path):
    """Views by name, and a function from a storage to its bytes."""
    archive = zipfile.ZipFile(path)
    # In a folder that is called as the file was when it was written.
    [pickled] = [n for n in archive.namelist() if n.endswith("/data.pkl")]
    folder = pickled.removesuffix("data.pkl")
    if f"{folder}byteorder" in archive.namelist():
        order = archive.read(f"{folder}byteorder")
        if order != b"little":
            raise _Refused(f"its byte order is {order!r}")
    with archive.open(pickled) as file:
        views = _named_views(_Unpickler(file).load())

    def read(storage):
        return archive.read(f"{folder}data/{storage.key}")

    return views, read


def _read_old(path):
    """As `_read_zip`, of files before PyTorch 1.6."""
    with open(path, "rb") as file:
        if _Unpickler(file).load() != _MAGIC:
            raise ValueError("it does not begin as one")
        for _ in range(_HEADER_PICKLES - 1):
            _Unpickler(file).load()
        views = _named_views(_Unpickler(file).load())
        keys = _Unpickler(file).load()
        sizes = {
            storage.key: _itemsize(storage.dtype)
            for storage, *_ in views.values()
        }
        places = {}
        for key in keys:
            count = int.from_bytes(file.read(8), "little")
            places[key] = file.tell(), count * sizes[key]
            file.seek(count * sizes[key], 1)
        end = file.tell()
    if end > path.stat().st_size:
        raise EOFError("its data ends too early")

    def read(storage):
        start, length = places[storage.key]
        with open(path, "rb") as file:
            file.seek(start)
            return file.read(length)

    return views, read


def _itemsize(dtype):
    return 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize


def _named_views(loaded):
    """The tensors of what was pickled, a dict from names to tensors."""
    if not isinstance(loaded, dict):
        raise _Refused("it holds no dict of tensors")
    wrong = [n for n, view in loaded.items() if not isinstance(view, _View)]
    if wrong:
        raise _Refused(
            f"{wrong[0]!r} is no tensor; it is not the weights of a model alone"
        )
    return loaded
