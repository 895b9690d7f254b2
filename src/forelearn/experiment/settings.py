"""The study file as frozen values. Every key that a study file may hold is here, with its rule and default.

An unknown key, a wrong type, a number out of bounds: all are found at once, each with section and key.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from forelearn.core.budget import Budget
from forelearn.core.recipe import PositiveWeight, Precision, Recipe, Threshold
from forelearn.experiment.data_settings import DataSettings, Metric
from forelearn.experiment.multitask_settings import MultitaskSettings
from forelearn.experiment.section import Count, Grid, Names, Section
from forelearn.tasks.splits import SplitPlan

Feature = Literal[
    "f1",
    "ansat",
    "cooccurrence",
    "words",
    "overlap",
    "size",
    "textemb",
    "recipe",
    "textemb_raw",
    "curvegrad",
    "logme",
    "hscore",
    "transrate",
    "gbc",
    "parc",
    "knn",
    "leep",
    "nce",
    "esm",
    "taskemb",
    "grademb",
]
FEATURES: tuple[Feature, ...] = ("f1", "ansat", "cooccurrence", "words", "overlap", "size", "textemb")
"""What the order of sources and the predictor rest on unless the study says otherwise."""

BY_MODELS: tuple[Feature, ...] = ("parc",)
"""What `rank` orders by in their place where every task has been trained alone and the study names no features: they
lead there to better orders (`studies/task-embeddings`)."""

TINY = "tiny"
"""The built-in encoder, built from the study's own texts."""

DEVICE = r"(auto|cpu|mps|cuda(:\d+)?)"
"""What a device is called."""

LENET = "lenet"
"""The built-in network for images, which starts anew from the seed of each run."""

BUILT_IN = (TINY, LENET)
"""Encoders that are neither folders nor on the hub."""

READY = "encoder@"
"""How a source that is a fine-tuned encoder and not a task is written."""


def _budget(value: Any) -> Any:
    if isinstance(value, Budget):
        return value
    if isinstance(value, dict) and value.keys() == {"kind", "amount"}:  # dumped settings, read again
        return Budget(value["kind"], value["amount"])
    if not isinstance(value, str):
        raise PydanticCustomError(
            "budget", "A budget is a text with a unit.", {"fix": 'Write "120 runs", "2h", "90m" or "16.5%".'}
        )
    try:
        return Budget.parse(value)
    except ValueError as error:
        raise PydanticCustomError("budget", "{rule}.", {"rule": str(error)}) from error


def _threshold(value: Any) -> Any:
    return "0.5" if value == 0.5 else value


OneThreshold = Annotated[Threshold, BeforeValidator(_threshold)]

FEWEST_POINTS = 9
"""Of the path of conductance, before its steps are doubled."""


def _points(value: int) -> int:
    doublings, rest = divmod(value - 1, FEWEST_POINTS - 1)
    if rest or doublings < 1 or doublings & (doublings - 1):
        raise PydanticCustomError(
            "points",
            "`most_points` cannot be {value}: it is 9 points with the steps doubled some number of times.",
            {"value": value, "fix": "Write 9, 17, 33 or 65."},
        )
    return value


class TinySettings(Section):
    """[tiny]: the shape of the built-in encoder. mlm_epochs: passes of masked-language modelling."""

    layers: Annotated[int, Field(ge=1, le=24)] = 2
    hidden: Annotated[int, Field(ge=4, le=4096)] = 64
    heads: Annotated[int, Field(ge=1, le=64)] = 2
    vocabulary: Annotated[int, Field(ge=64, le=200_000)] = 2000
    mlm_epochs: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="after")
    def _divides(self) -> TinySettings:
        if self.hidden % self.heads:
            raise PydanticCustomError(
                "heads",
                "hidden = {hidden} must be a multiple of heads = {heads}.",
                {"hidden": self.hidden, "heads": self.heads, "fix": "Change one of them."},
            )
        return self


class SplitSettings(Section):
    """[splits]: how documents are split; see `forelearn.tasks.splits.SplitPlan`."""

    by: Literal["group", "row", "given"] | None = None
    dev: Annotated[float, Field(gt=0, lt=1)] = 0.15
    test: Annotated[float, Field(gt=0, lt=1)] = 0.25
    seed: Annotated[int, Field(ge=0)] = 0
    train_rows: Annotated[int, Field(ge=2)] | None = None
    dev_rows: Annotated[int, Field(ge=2)] | None = None
    test_rows: Annotated[int, Field(ge=2)] | None = None

    @model_validator(mode="after")
    def _leaves_train(self) -> SplitSettings:
        if self.dev + self.test >= 1:
            raise PydanticCustomError(
                "shares",
                "dev = {dev} and test = {test} leave nothing for train.",
                {"dev": self.dev, "test": self.test, "fix": "Their sum must be below 1."},
            )
        return self

    def plan(self) -> SplitPlan:
        """The section as the splitter takes it."""
        return SplitPlan(**self.model_dump())


class RecipeSettings(Section):
    """[recipe]: a value or a list of values for every field of `Recipe`; lists make the grid.

    precision: `auto` is bf16 where the device has it fast, else fp32; resolved before any key is made.
    """

    learning_rate: Grid[Annotated[float, Field(gt=0, le=1)]] = (5e-5,)
    epochs: Grid[Count] = (3,)
    batch_size: Grid[Count] = (32,)
    warmup: Grid[Annotated[float, Field(ge=0, lt=1)]] = (0.1,)
    weight_decay: Grid[Annotated[float, Field(ge=0)]] = (0.01,)
    max_length: Grid[Annotated[int, Field(ge=4)]] = (128,)
    precision: Grid[Literal["auto", "fp32", "bf16"]] = ("auto",)
    positive_weight: Grid[PositiveWeight] = ("none",)
    threshold: Grid[OneThreshold] = ("0.5",)
    clip_norm: Grid[Annotated[float, Field(gt=0)]] = (1.0,)


class SearchSettings(Section):
    """[search]: what may be spent, and on what grounds.

    seeds: on how many seeds the search may run a pair. confirm: share of the budget that is kept for training
    each winner and its rival on fresh seeds; 0 confirms nothing. confirm_seeds: on how many at most. round: runs
    proposed at once. least: a run that is expected to add less to a target's gain is not worth having. halving: stop
    hopeless runs after some epochs. controls: `B → B` and training longer compete with the sources. level: of every
    interval; below 0.5 the predictor's intervals (`estimators/conformal.py`) would cross.
    allow_leaks: a source that holds rows of a target's test is a candidate for it, too.
    warm_start: folders that earlier studies filled; the predictor learns from their pairs too.
    chain: the most sources that are learned in turn before a target; 1 learns one. chain_share: share of the
    budget that is kept for chains, and all that they may spend; without chains it is not kept.
    joint: the method by which sources are learned together with a target; empty does not try it. joint_top: the most
    that are. joint_share: as `chain_share`, for that.
    """

    budget: Annotated[Budget, BeforeValidator(_budget)] = Budget("share", 0.5)
    seeds: Count = 3
    confirm: Annotated[float, Field(ge=0, lt=1)] = 0.2
    confirm_seeds: Annotated[int, Field(ge=1, le=100)] = 5
    round: Count = 8
    least: Annotated[float, Field(ge=0, lt=1)] = 0.0002
    halving: bool = True
    controls: bool = True
    chain: Annotated[int, Field(ge=1, le=3)] = 1
    chain_share: Annotated[float, Field(gt=0, lt=1)] = 0.15
    joint: str = ""
    joint_top: Annotated[int, Field(ge=1, le=12)] = 2
    joint_share: Annotated[float, Field(gt=0, lt=1)] = 0.15
    features: Grid[Feature] = FEATURES
    level: Annotated[float, Field(ge=0.5, lt=1)] = 0.9
    allow_leaks: bool = False
    warm_start: Names = ()

    @model_validator(mode="after")
    def _leaves_single_sources(self) -> SearchSettings:
        kept = {
            "confirm": self.confirm,
            **({"chain_share": self.chain_share} if self.chain > 1 else {}),
            **({"joint_share": self.joint_share} if self.joint else {}),
        }
        if sum(kept.values()) >= 1:
            said = " and ".join(f"{name} = {share}" for name, share in kept.items())
            raise PydanticCustomError(
                "shares",
                "{said} leave nothing for single sources.",
                {"said": said, "fix": "Their sum must be below 1."},
            )
        return self


class ConductanceSettings(Section):
    """[conductance]: on which documents, how many (as a share of the baselines' cost) and how exactly."""

    documents: Literal["dev", "train", "test"] = "dev"
    share: Annotated[float, Field(gt=0, le=1)] = 0.10
    tolerance: Annotated[float, Field(gt=0, lt=1)] = 0.01
    most_points: Annotated[int, AfterValidator(_points)] = 65


class RunSettings(Section):
    """[run]: where and how wide; changes no outcome. workers: 0 is one a core on CPU and one on a GPU.

    delta_gb: memory of a worker for what each task changed in an epoch of multitask training; more than that lies in a
    file beside the run.
    """

    device: Annotated[str, Field(pattern=f"^{DEVICE}$")] = "auto"
    workers: Annotated[int, Field(ge=0)] = 0
    threads: Count = 1
    keep_weights: Literal["best", "all"] = "best"
    delta_gb: Annotated[float, Field(ge=0)] = 4.0


class Settings(Section):
    """A whole study file. sources: names of tasks, and `encoder@folder`; empty takes every task."""

    name: Annotated[str, Field(min_length=1, max_length=80)] = "study"
    encoder: Annotated[str, Field(min_length=1)] = TINY
    data_root: str | None = None
    metric: Metric | None = None
    sources: Names = ()
    targets: Names = ()
    seed: Annotated[int, Field(ge=0)] = 0
    tiny: TinySettings = TinySettings()
    data: Annotated[tuple[DataSettings, ...], Field(min_length=1)]
    splits: SplitSettings = SplitSettings()
    recipe: RecipeSettings = RecipeSettings()
    search: SearchSettings = SearchSettings()
    multitask: MultitaskSettings = MultitaskSettings()
    conductance: ConductanceSettings = ConductanceSettings()
    run: RunSettings = RunSettings()

    def grid(self, precision: Precision = "fp32") -> tuple[Recipe, ...]:
        """Every recipe of the grid, in the order of the lists. precision: what `auto` means."""
        lists = self.recipe
        precisions: dict[Precision, None] = {}
        for value in lists.precision:
            precisions[precision if value == "auto" else value] = None
        return tuple(
            Recipe(
                learning_rate=learning_rate,
                epochs=epochs,
                batch_size=batch_size,
                warmup=warmup,
                weight_decay=weight_decay,
                max_length=max_length,
                precision=resolved,
                positive_weight=positive_weight,
                threshold=threshold,
                clip_norm=clip_norm,
            )
            for learning_rate in lists.learning_rate
            for epochs in lists.epochs
            for batch_size in lists.batch_size
            for warmup in lists.warmup
            for weight_decay in lists.weight_decay
            for max_length in lists.max_length
            for resolved in precisions
            for positive_weight in lists.positive_weight
            for threshold in lists.threshold
            for clip_norm in lists.clip_norm
        )
