"""The built-in encoder `tiny` of a study: built once, into the store, by what runs.

Its digest is part of every key, and to know it one has to build it. Where it has not been built nothing has run
either, so what only looks at a study takes a stand-in for it: the same vocabulary and shape, hence the same costs,
in a folder that goes away. Masked-language modelling is left out of a stand-in; then its weights are not the
encoder's, and its digest says so.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path

from forelearn.core.data import TaskData
from forelearn.core.keys import digest
from forelearn.core.transfer import Encoder
from forelearn.experiment.settings import TinySettings
from forelearn.experiment.study import Study
from forelearn.models.encoder import encoder_digest
from forelearn.store.directory import Directory
from forelearn.store.manifest import find_faults

TINY = "tiny"
NOT_BUILT = "not built yet"
"""The digest of a stand-in that is not what will be built: no run has it."""


class StandIn:
    """A folder outside the study that is removed when nobody holds this value any more.

    damage: of the encoder that was built, in words; "" if there was none. What runs builds it again.
    """

    def __init__(self, damage: str = "") -> None:
        self.damage = damage
        self.folder = Path(tempfile.mkdtemp(prefix="forelearn-"))
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)


def open_tiny(
    study: Study, tasks: Mapping[str, TaskData], directory: Directory, *, build: bool
) -> tuple[Encoder, Path, StandIn | None]:
    """The encoder, its folder and, where it has not been built and is not to be, what keeps that folder alive."""
    tiny, seed = study.settings.tiny, study.settings.seed
    texts = _texts(tasks)
    key = digest(["tiny", tiny.model_dump(), seed, digest(texts)])
    folder = directory.whole("encoders", key)
    damage = "" if folder is None else _damage(directory, key, folder)
    if damage:
        folder = None
        if build:
            directory.remove("encoders", key)
    if folder is None and not build:
        stand_in = StandIn(damage)
        _build(texts, stand_in.folder, tiny, mlm_epochs=0, seed=seed)
        known = NOT_BUILT if tiny.mlm_epochs else encoder_digest(stand_in.folder)
        return Encoder(TINY, known), stand_in.folder, stand_in
    if folder is None:
        _build(texts, directory.work("encoders", key), tiny, mlm_epochs=tiny.mlm_epochs, seed=seed)
        folder = directory.finish("encoders", key)
    return Encoder(TINY, encoder_digest(folder)), folder, None


def _damage(directory: Directory, key: str, folder: Path) -> str:
    """What of the encoder is not as it was built. Its digest would be another, and every key with it."""
    listed = directory.listed("encoders", key) or {}
    faults = [fault for fault in find_faults(folder) if fault.file in listed]
    return f"{folder}/{faults[0].file}: {faults[0].what}" if faults else ""


def _texts(tasks: Mapping[str, TaskData]) -> list[str]:
    """All training texts of the study, each once, sorted."""
    return sorted(
        {
            text
            for data in tasks.values()
            for text in (
                *data.train.texts,
                *(data.train.pairs or ()),
                *(option for options in data.train.choices for option in options),
            )
        }
    )


def _build(texts: list[str], folder: Path, tiny: TinySettings, *, mlm_epochs: int, seed: int) -> None:
    from forelearn.models.tiny import build_tiny  # the network itself: seconds that most looks do not need

    build_tiny(
        texts,
        folder,
        layers=tiny.layers,
        hidden=tiny.hidden,
        heads=tiny.heads,
        vocabulary=tiny.vocabulary,
        mlm_epochs=mlm_epochs,
        seed=seed,
    )
