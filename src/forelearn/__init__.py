"""forelearn: know which task to learn first, before you train.

    import forelearn

    forelearn.rank("study.toml", "target")             # an order of sources; trains no pair
    result = forelearn.search("study.toml")            # to the end of the budget; start again to resume
    result                                             # a table in a notebook; result.frame() with pandas
    forelearn.train("study.toml", "target", "source")  # one transfer, with its weights
    forelearn.train_together("study.toml", "target", forelearn.Request(["A", "B"]))  # beside its controls
    forelearn.report("study.toml", output="page.html")

Each mirrors the command of its name (`search` is `forelearn run`); `Options` is what a command may change in a
study. Importing the package loads neither torch nor transformers: a function loads what it needs when called.

`search` and `report` are also rooms of the package (`forelearn.search.search` is imported from the one). Python sets
a room as an attribute of its package as soon as it is imported; here it is not set, so that `forelearn.search` and
`forelearn.report` are the functions before and after.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from forelearn.experiment.api import ask, report, search, tell, train
    from forelearn.experiment.check import check
    from forelearn.experiment.opening import Options
    from forelearn.experiment.predict import predict
    from forelearn.experiment.question import Request
    from forelearn.experiment.rank import rank
    from forelearn.experiment.save_datasets import save_datasets
    from forelearn.experiment.together import train_together

_PLACES = {
    "Options": "opening",
    "Request": "question",
    "ask": "api",
    "check": "check",
    "predict": "predict",
    "rank": "rank",
    "report": "api",
    "save_datasets": "save_datasets",
    "search": "api",
    "tell": "api",
    "train": "api",
    "train_together": "together",
}

__all__ = [
    "Options",
    "Request",
    "__version__",
    "ask",
    "check",
    "predict",
    "rank",
    "report",
    "save_datasets",
    "search",
    "tell",
    "train",
    "train_together",
]


class _Package(ModuleType):
    """A package whose functions are not hidden by rooms of the same name."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _PLACES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        from importlib import import_module

        return getattr(import_module(f"forelearn.experiment.{_PLACES[name]}"), name)
    raise AttributeError(f"module 'forelearn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
