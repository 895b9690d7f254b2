import numpy as np
import pytest
from tests.representations.conftest import TEXTS

from forelearn.core.errors import InputError
from forelearn.representations.attributions import FILE, load_attributions, save_attributions
from forelearn.representations.conductance import conductance


@pytest.mark.parametrize("texts", [TEXTS, ["", TEXTS[0], ""], [""], []])
def test_saved_attributions_are_read_back_the_same(bert, tmp_path, texts):
    found = conductance(bert, texts)
    save_attributions(found, tmp_path)
    again = load_attributions(tmp_path)
    assert len(again) == len(texts)
    for name in ("scores", "spans"):
        for a, b in zip(getattr(found, name), getattr(again, name), strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)
    for name in ("completeness", "change", "points"):
        np.testing.assert_array_equal(getattr(found, name), getattr(again, name))
    assert again.cost == found.cost


def test_only_the_finished_file_is_left(bert, tmp_path):
    save_attributions(conductance(bert, TEXTS[:1]), tmp_path / "new")
    assert [file.name for file in (tmp_path / "new").iterdir()] == [FILE]


@pytest.mark.parametrize("content", [None, b"", b"\x05\0\0\0\0\0\0\0{", b"\x02\0\0\0\0\0\0\0{}"])
def test_a_missing_or_damaged_file_is_an_input_error(tmp_path, content):
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    with pytest.raises(InputError, match="missing or damaged"):
        load_attributions(tmp_path)


def test_reading_attributions_needs_no_torch():
    import subprocess
    import sys

    code = "import sys, forelearn.representations.attributions, forelearn.representations.ansat; "
    code += "import forelearn.representations.terms; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
