"""Files in the idx format, in which MNIST is published: plain, or compressed by gzip.

Source: the description beside MNIST (LeCun, Cortes and Burges 1998). Two zero bytes, the type of the values, the number
of dimensions, each size in four bytes (the largest byte first), then the values, the last dimension fastest.
Not covered: values that are no unsigned bytes.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from forelearn.core.errors import InputError, Problem

Bytes = npt.NDArray[np.uint8]

_GZIP = b"\x1f\x8b"
_UNSIGNED_BYTES = 0x08
_TYPES = {0x09: "signed bytes", 0x0B: "shorts", 0x0C: "integers", 0x0D: "floats", 0x0E: "doubles"}
_AGAIN = "Copy or download it again."


def read_idx(path: Path, *, file: str) -> Bytes:
    """The values of an idx file. *Shape:* as the file says: [n] of labels, [n, rows, columns] of images.

    file: the path as messages name it. Raises InputError if it cannot be read, is no idx file, holds other values
    than unsigned bytes, or is shorter or longer than its header says.
    """
    data = _read(path, file)
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in (_UNSIGNED_BYTES, *_TYPES) or data[3] == 0:
        begins = data[:4].hex(" ") or "nothing"
        rule = f"It is no idx file: it begins with {begins}, not with 00 00, a type and the number of dimensions."
        raise InputError(Problem(file, rule, "Name the idx files of images and labels alone."))
    if data[2] != _UNSIGNED_BYTES:
        rule = f"It holds {_TYPES[data[2]]}; images and labels are unsigned bytes (type 08)."
        raise InputError(Problem(file, rule, "Write it again as unsigned bytes."))
    start = 4 + 4 * data[3]
    if len(data) < start:
        raise InputError(Problem(file, f"It ends inside its header of {start} bytes.", _AGAIN))
    sizes = tuple(int(size) for size in np.frombuffer(data, ">u4", count=data[3], offset=4))
    if len(data) - start != math.prod(sizes):
        shape = " × ".join(map(str, sizes))
        rule = f"Its header promises {shape} = {math.prod(sizes)} values, and {len(data) - start} follow."
        raise InputError(Problem(file, rule, _AGAIN))
    return np.frombuffer(data, np.uint8, offset=start).reshape(sizes)


def _read(path: Path, file: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        rule = f"The file cannot be read: {error.strerror}."
        raise InputError(Problem(file, rule, "Check that it exists and its rights.")) from error
    if not data.startswith(_GZIP):
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(Problem(file, f"Its gzip stream is damaged: {error}.", _AGAIN)) from error
