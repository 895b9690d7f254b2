"""The whole result of a study as one frozen value, JSON in and out.

The page, the terminal tables and the CSV rows are views of it. Nothing here is measured or decided: every
number comes with the keys of the runs behind it. Performances and gains are in the unit of the target's own
metric: in [0, 1] and [−1, 1], of correlations in [−1, 1] and [−2, 2]; higher is better. A gain is measured
against the target's baseline averaged over its seeds. NaN does not exist in JSON: a value that could not be had
is None.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from forelearn.core.keys import plain
from forelearn.core.task import Kind
from forelearn.core.transfer import Mode
from forelearn.report.reading import NULL, read

if TYPE_CHECKING:
    import pandas

    from forelearn.report.tables import Table

Decision = Literal["transfer", "tied", "do not transfer", "not enough evidence"]
"""Decided on dev, on fresh seeds where there are any. `transfer`: the interval lies above 0. `tied`: several
sources, none surely better than the others. `do not transfer`: no tried source helps. `not enough evidence`:
the interval holds 0."""
Status = Literal["run", "not tried", "failed", "stopped", "set aside"]
Stage = Literal["baselines", "features", "pairs", "chains", "joint", "confirmation", "exhaustive"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its interval at the summary's `level`; low ≤ high. Of one run it has no ends: JSON says null."""

    mean: float
    low: float = field(metadata={NULL: -math.inf})
    high: float = field(metadata={NULL: math.inf})


@dataclass(frozen=True, slots=True)
class EncoderRow:
    """The encoder of the study: layers and hidden units a layer, and how many parameters in all."""

    name: str
    digest: str
    layers: int
    hidden: int
    parameters: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How many examples of each split."""

    train: int
    dev: int
    test: int


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task. positives: of a binary task, else None. groups: how many, 0 if it has none.

    labels: empty for kinds whose answers have no names. choices: of a multiple choice, else 0.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    metric: str
    rows: Counts
    positives: Counts | None
    groups: int
    digest: str
    choices: int = 0


@dataclass(frozen=True, slots=True)
class BaselineRow:
    """`encoder → task`, a value a seed; all tuples have the length of `seeds`.

    recipe: the dev-best one, as plain values. thresholds: probability from which a text counts as positive;
    empty unless the task is binary.
    dev, test: the deciding metric. others: measure → mean over seeds on test (`f1`, `accuracy`, …).
    """

    task: str
    recipe: Mapping[str, Any]
    thresholds: tuple[float, ...]
    seeds: tuple[int, ...]
    dev: tuple[float, ...]
    test: tuple[float, ...]
    keys: tuple[str, ...]
    others: Mapping[str, float] = field(default_factory=dict)

    @property
    def mean_dev(self) -> float:
        """Mean over seeds on dev; what decides."""
        return sum(self.dev) / len(self.dev)

    @property
    def mean_test(self) -> float:
        """Mean over seeds on test; what is reported."""
        return sum(self.test) / len(self.test)


@dataclass(frozen=True, slots=True)
class Obtained:
    """What a tried pair gained over the seed-averaged baseline, averaged over `seeds`.

    dev: the gain that the search saw. test: the gain that is reported. interval: of the test gain, if known.
    """

    dev: float
    test: float
    seeds: tuple[int, ...]
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class PairRow:
    """One source for one target, or several, in turn or together with it.

    reason: why it was not tried, failed, was stopped or set aside; empty for a run.
    prior: the free score of the start, higher is better. predicted: gain, before the pair was trained.
    confirmed: gain on fresh seeds that chose nothing. features: what the predictor saw.
    ansat: shared active terms a document of the target, at the 14 thresholds.
    chain: names of the sources in the order in which they are learned, where there are several.
    mode: `multitask` where the target is learned together with `auxiliaries`, the best first; none of them in the
    control of such a row.
    """

    source: str
    target: str
    status: Status
    reason: str = ""
    prior: float | None = None
    predicted: Interval | None = None
    obtained: Obtained | None = None
    confirmed: Interval | None = None
    features: Mapping[str, float | None] = field(default_factory=dict)
    ansat: tuple[float | None, ...] | None = None
    keys: tuple[str, ...] = ()
    chain: tuple[str, ...] = ()
    mode: Mode = "sequential"
    auxiliaries: tuple[str, ...] = ()

    @property
    def is_single(self) -> bool:
        """Whether it is one source, learned first."""
        return not self.chain and self.mode == "sequential"

    @property
    def label(self) -> str:
        """`A → T`; of what is learned together `T with A + B (method)`, without auxiliary tasks `T alone (method)`."""
        if self.mode == "sequential":
            return f"{self.source} → {self.target}"
        return f"{self.target} {'with ' if self.auxiliaries else ''}{self.source}"


@dataclass(frozen=True, slots=True)
class Term:
    """A word active in both models: in how many documents, and its mean conductance in each model."""

    word: str
    documents: int
    score_source: float
    score_target: float


@dataclass(frozen=True, slots=True)
class Further:
    """What more runs for a target take.

    runs: how many are worth thinking of, 0 if none are; purpose: what for. seconds: that they take on one worker at the
    pace of the study's finished runs; runs_an_hour: how many of the kind an hour buys. None where no pace is known.
    """

    runs: int
    purpose: str = ""
    seconds: float | None = None
    runs_an_hour: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What to learn before one target.

    sources: one for `transfer`, several for `tied`, else empty or what was tried without proof; where compute
    alone helps, `train longer` or the target itself.
    gain: of the first of them on fresh seeds (`n_seeds` of them), never the gain by which the source was picked.
    baseline, performance: mean on test without and with the source; None where there are no runs.
    negative: tried sources that make the target worse by more than run noise.
    more: what more runs would buy. further: how many, and what they take.
    weights_key: the run whose folder holds the trained winner. export_hint: the command that hands it out.
    runs, seconds: what was spent on this target's candidates, confirmation included.
    rival: the second best, confirmed beside the winner; `no transfer` if nothing else was expected to gain.
    rival_gain: its gain on test on the same fresh seeds. dev_gain: the winner's on dev, which decided.
    mode: how the winner is learned: before the target, or (`multitask`) together with it.
    """

    target: str
    decision: Decision
    sources: tuple[str, ...]
    gain: Interval | None
    n_seeds: int
    predicted: Interval | None
    baseline: float | None
    performance: float | None
    reason: str
    negative: tuple[str, ...] = ()
    terms: tuple[Term, ...] = ()
    more: str = ""
    further: Further | None = None
    weights_key: str | None = None
    export_hint: str = ""
    runs: int = 0
    seconds: float = 0.0
    rival: str = ""
    rival_gain: Interval | None = None
    dev_gain: Interval | None = None
    mode: Mode = "sequential"


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """After `runs` runs: what has been spent, and how good the choice made on dev is.

    share: units spent over the exhaustive cost; baselines included. seconds: measured.
    performance: mean over targets of the test performance of what dev picks so far, the baseline allowed.
    """

    share: float
    seconds: float
    performance: float
    runs: int


@dataclass(frozen=True, slots=True)
class CostRow:
    """What a stage cost. The stage `exhaustive` is an estimate: baselines and all pairs × recipes × seeds."""

    stage: Stage
    runs: int
    units: float
    seconds: float


@dataclass(frozen=True, slots=True)
class FailureRow:
    """A transfer that was tried and did not finish. label: `A → B`."""

    key: str
    label: str
    reason: str


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its conductance in [−1, 1] in both models. after: the text up to the next word."""

    text: str
    score_source: float
    score_target: float
    active_source: bool
    active_target: bool
    after: str = " "


@dataclass(frozen=True, slots=True)
class Document:
    """A document in its words. before: the text in front of the first one. label: its label in the target."""

    id: str
    label: str
    words: tuple[Word, ...]
    before: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Documents as the source's and the target's single-task models read them. Active: from `threshold`."""

    source: str
    target: str
    threshold: float
    documents: tuple[Document, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """The result of a study.

    version: of forelearn. made: ISO 8601 UTC. level: of every interval, in (0, 1).
    metric: of the first target; every task names its own.
    budget: as the study states it.
    exhaustive: the estimated cost of trying everything; None if unknown.
    notes: warnings and fallbacks in words. set_aside: task → why it is no source.
    controls: what costs about as much as a transfer without another task: `B → B` (source equals target),
    `train longer`, `another seed`; the control of a chain, its last source learned as often; and that of learning
    together, the method without auxiliary tasks.
    """

    version: str
    study: str
    made: str
    metric: str
    level: float
    encoder: EncoderRow
    budget: str
    tasks: tuple[TaskRow, ...]
    baselines: tuple[BaselineRow, ...]
    pairs: tuple[PairRow, ...]
    answers: tuple[Answer, ...]
    curve: tuple[CurvePoint, ...] = ()
    costs: tuple[CostRow, ...] = ()
    exhaustive: CostRow | None = None
    failures: tuple[FailureRow, ...] = ()
    explanations: tuple[Explanation, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    set_aside: Mapping[str, str] = field(default_factory=dict)
    controls: tuple[PairRow, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """A dict of plain values that `from_json` reads back; NaN and infinities become None."""
        value: dict[str, Any] = plain(self)
        return value

    @staticmethod
    def from_json(value: Any) -> Summary:
        """The summary that `as_json` wrote. Raises InputError, naming the place, if it is not one."""
        return read(Summary, value, where="summary")

    def frame(self, table: Table = "pairs") -> pandas.DataFrame:
        """The `answers`, `pairs`, `baselines`, `costs` or `failures` as a DataFrame; needs pandas."""
        from forelearn.report.tables import data_frame

        return data_frame(self, table=table)

    def _repr_html_(self) -> str:
        from forelearn.report.notebook import notebook_html

        return notebook_html(self)

    def task(self, name: str) -> TaskRow | None:
        """The row of a task, or None if the study has no such task."""
        return next((row for row in self.tasks if row.name == name), None)

    def baseline(self, task: str) -> BaselineRow | None:
        """The baseline of a task, or None if it has none (it failed)."""
        return next((row for row in self.baselines if row.task == task), None)

    def pair(self, source: str, target: str) -> PairRow | None:
        """The row of a pair, or None if the study has no such pair."""
        return next((row for row in self.pairs if (row.source, row.target) == (source, target)), None)
