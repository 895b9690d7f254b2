"""The names that `import forelearn` gives."""

import subprocess
import sys
from types import FunctionType

import forelearn


def said(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error::ImportWarning", "-c", code], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_room_of_the_same_name_does_not_hide_a_function():
    kinds = "print(type(forelearn.search).__name__, type(forelearn.report).__name__)\n"
    assert (
        said(
            "import forelearn\n"
            + kinds
            + "import forelearn.search.search, forelearn.report.page\n"
            + kinds
            + "from forelearn.search.search import Search\n"
            + "from forelearn import report, search\n"
            + "print(Search.__module__, report.__module__, search.__module__)\n"
        )
        == "function function\nfunction function\n"
        "forelearn.search.search forelearn.experiment.api forelearn.experiment.api\n"
    )


def test_importing_the_package_loads_neither_torch_nor_transformers():
    code = "import sys, forelearn\nprint('torch' in sys.modules, 'transformers' in sys.modules)"
    assert said(code) == "False False\n"


def test_every_function_of_the_package_is_one_and_can_be_replaced(monkeypatch):
    for name in forelearn.__all__:
        if name not in ("Options", "Request", "__version__"):
            assert isinstance(getattr(forelearn, name), FunctionType), name
    monkeypatch.setattr(forelearn, "search", len)
    assert forelearn.search is len
