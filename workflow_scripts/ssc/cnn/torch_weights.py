"""Weights in files of PyTorch, read without PyTorch and without running code."""

import pickle
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

# How a file of torch.save before version 1.6 begins, each a pickle of its own.
MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}
# What pickle raises at files that it cannot make sense of, and the checks here.
_FAULTS = (pickle.UnpicklingError, EOFError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True)
class _Tensor:
    """A tensor as the file describes it: a view of values that follow later in the file."""

    storage: tuple
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Unpickler(pickle.Unpickler):
    """Knows only the names that weights need, so that no code of the file can run."""

    def find_class(self, module: str, name: str):
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: _Tensor(
                storage, offset, shape, strides
            )
        if module == "torch" and name in DTYPES:
            return DTYPES[name]
        raise pickle.UnpicklingError(f"{module}.{name} is not part of weights")

    def persistent_load(self, pid):
        return pid


def read_tensors(path: str | Path) -> dict[str, np.ndarray]:
    """Read the tensors of a state dict that torch.save wrote before version 1.6.

    Parameters
    ----------
    path : str or pathlib.Path

    Returns
    -------
    dict of str to numpy.ndarray

    Raises
    ------
    ValueError
        When the file is not such a file, or is cut short.
    """
    try:
        with open(path, "rb") as file:
            magic, protocol, _, tensors, keys = (_Unpickler(file).load() for _ in range(5))
            if (magic, protocol) != (MAGIC, PROTOCOL):
                raise ValueError("not written by torch.save before version 1.6")
            dtypes = {tensor.storage[2]: tensor.storage[1] for tensor in tensors.values()}
            storages = {key: _read_storage(file, dtypes[key]) for key in keys}
        return {
            name: _view(tensor, storages[tensor.storage[2]]) for name, tensor in tensors.items()
        }
    except _FAULTS as error:
        raise ValueError(f"{path}: no weights of PyTorch: {error}") from error


def _read_storage(file: IO[bytes], dtype: np.dtype) -> np.ndarray:
    count = int.from_bytes(file.read(8), "little")
    content = file.read(count * dtype.itemsize)
    if len(content) != count * dtype.itemsize:
        raise EOFError("the file is cut short")
    return np.frombuffer(content, dtype)


def _view(tensor: _Tensor, values: np.ndarray) -> np.ndarray:
    last = tensor.offset + sum(
        (side - 1) * stride for side, stride in zip(tensor.shape, tensor.strides, strict=True)
    )
    if min((tensor.offset, *tensor.strides, 0)) < 0 or last >= len(values):
        raise LookupError("a tensor reaches beyond its values")
    strides = tuple(values.itemsize * stride for stride in tensor.strides)
    return np.lib.stride_tricks.as_strided(
        values[tensor.offset :], tensor.shape, strides, writeable=False
    )
