"""idx files: read as written, and refused with a reason when they are not whole."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from forelearn.core.errors import InputError
from forelearn.tasks.idx import read_idx


def idx(values: np.ndarray, kind: int = 8) -> bytes:
    """The file by its description: 00 00, type, dimensions, sizes in big-endian, values."""
    return (
        bytes([0, 0, kind, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()
    )


IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("values", [IMAGES, np.array([7, 0, 255], np.uint8)], ids=["images", "labels"])
def test_an_idx_file_reads_back_as_it_was_written(tmp_path: Path, values: np.ndarray, pack: object) -> None:
    path = tmp_path / "x.idx"
    path.write_bytes(pack(idx(values)))  # type: ignore[operator]
    found = read_idx(path, file="x.idx")
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, values)


def test_sizes_are_read_with_the_largest_byte_first(tmp_path: Path) -> None:
    path = tmp_path / "x.idx"
    path.write_bytes(b"\x00\x00\x08\x01" + b"\x00\x00\x01\x02" + bytes(258))
    assert read_idx(path, file="x.idx").shape == (258,)


BROKEN = {
    "empty": (b"", "begins with nothing"),
    "a table": (b"text,label\n", "begins with 74 65 78 74"),
    "unknown type": (b"\x00\x00\x07" + idx(IMAGES)[3:], "begins with 00 00 07 03"),
    "no dimension": (b"\x00\x00\x08\x00", "begins with 00 00 08 00"),
    "floats": (idx(IMAGES, kind=0x0D), "holds floats"),
    "cut in the header": (idx(IMAGES)[:10], "inside its header of 16 bytes"),
    "cut in the values": (idx(IMAGES)[:-1], "promises 2 × 3 × 4 = 24 values, and 23 follow"),
    "longer than promised": (idx(IMAGES) + b"!", "promises 2 × 3 × 4 = 24 values, and 25 follow"),
    "cut gzip": (gzip.compress(idx(IMAGES))[:-9], "gzip stream is damaged"),
    "changed gzip": (gzip.compress(idx(IMAGES))[:-6] + b"\x00\x00" + gzip.compress(b"")[-4:], "is damaged"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_with_its_name_and_what_is_wrong(tmp_path: Path, name: str) -> None:
    data, said = BROKEN[name]
    path = tmp_path / "x.idx"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        read_idx(path, file="mnist/x.idx")
    (problem,) = caught.value.problems
    assert problem.where == "mnist/x.idx"
    assert said in problem.what


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_idx(tmp_path / "none", file="none")
