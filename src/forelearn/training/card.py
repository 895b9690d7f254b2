"""The model card: what was trained, on what, how, how well, at what cost."""

from __future__ import annotations

import json
import re
from pathlib import Path

from forelearn import __version__
from forelearn.core.data import TaskData
from forelearn.core.keys import plain
from forelearn.core.run import Run
from forelearn.core.task import CLASSIFICATION
from forelearn.core.transfer import Transfer
from forelearn.models.lenet import usage
from forelearn.models.two_layer import USAGE

HUB_METRICS = {
    "average_precision": "average_precision",
    "macro_f1": "f1",
    "matthews": "matthews_correlation",
    "pearson": "pearsonr",
    "spearman": "spearmanr",
    "span_f1": "f1",
    "span_precision": "precision",
    "span_recall": "recall",
    "answer_f1": "f1",
}
"""Our names of metrics → the hub's; the others have the same name on both sides."""

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")


def write_card(folder: Path, run: Run, data: TaskData, *, pipeline: str = "text-classification") -> None:
    """Write `README.md` into `folder`: YAML front matter for the hub, then prose and tables.

    pipeline: the hub's name of what the model does.
    """
    (folder / "README.md").write_text(card(run, data, pipeline=pipeline), encoding="utf-8")


def card(run: Run, data: TaskData, *, pipeline: str = "text-classification") -> str:
    """The text of the card of `run`, which was trained on `data`."""
    transfer = run.transfer
    binary = data.task.kind == "binary"
    threshold = ""
    if binary:
        chosen = ", chosen on dev." if transfer.recipe.threshold == "dev" else "."
        counts = f"A text counts as `{data.labels[1]}` from probability"
        threshold = f" {counts} {run.performance.threshold:.4g}{chosen}"
    parts = [
        _front(run, data, pipeline),
        f"# {_text(transfer.label)}",
        _story(transfer, pipeline),
        *([usage(data.train.image_shape)] if data.train.images else []),
        *([USAGE] if _two_layers(transfer) else []),
        "## Data",
        _table(
            ("split", "examples", *(("positive",) if binary else ())),
            [
                (name, str(len(part)), *((str(part.positives()),) if binary else ()))
                for name, part in (("train", data.train), ("dev", data.dev), ("test", data.test))
            ],
        ),
        f"Task `{_code(data.task.name)}` ({_spaced(data.task.kind)}), content digest "
        f"`{data.task.digest}`.{_answers(data)}",
        "## Performance",
        _table(
            ("metric", "dev", "test"),
            [
                (
                    f"**{_spaced(name)}**" if name == data.task.metric else _spaced(name),
                    f"{run.performance.dev[name]:.4f}",
                    f"{value:.4f}",
                )
                for name, value in sorted(run.performance.test.items())
            ],
        ),
        f"The metric that decided is {_spaced(data.task.metric)}; decisions were made on dev, test was only measured."
        + threshold,
        "## Recipe",
        _table(
            ("hyperparameter", "value"),
            [
                (name, f"{value:g}" if isinstance(value, float) else str(value))
                for name, value in plain(transfer.recipe).items()
                if binary or name not in ("positive_weight", "threshold")  # they mean nothing elsewhere
            ],
        ),
        *_method(transfer),
        "## Cost",
        f"{run.cost.units:.4g} token·layers and {run.cost.seconds:.1f} seconds for the last stage, "
        f"finished {run.made}, run key `{transfer.key}`.",
    ]
    return "\n\n".join(parts) + "\n"


def _method(transfer: Transfer) -> list[str]:
    """The options of a multitask transfer; nothing of any other."""
    if not transfer.multitask:
        return []
    rows: list[tuple[str, ...]] = [
        (name, f"{value:g}" if isinstance(value, float) else str(value))
        for name, value in transfer.multitask.options
    ]
    return ["## Multitask training", _table(("option", "value"), rows)]


def _two_layers(transfer: Transfer) -> bool:
    """Whether the model ends in a head of two layers."""
    options = dict(transfer.multitask.options) if transfer.multitask else {}
    return options.get("head") == "two-layer" and transfer.target.kind in CLASSIFICATION


def _front(run: Run, data: TaskData, pipeline: str) -> str:
    transfer = run.transfer
    library = "forelearn" if data.train.images or _two_layers(transfer) else "transformers"
    lines = ["---", f"library_name: {library}", f"pipeline_tag: {pipeline}"]
    if _HUB_ID.fullmatch(transfer.encoder.name) and "/" in transfer.encoder.name:
        lines.append(f"base_model: {json.dumps(transfer.encoder.name)}")
    lines += ["tags:", "- forelearn", f"- {json.dumps(transfer.mode)}", "metrics:"]
    measures = sorted(run.performance.test, key=lambda name: (name != data.task.metric, name))
    hub = dict.fromkeys(HUB_METRICS.get(name, name) for name in measures)
    lines += [f"- {json.dumps(name)}" for name in hub]
    lines += ["model-index:", f"- name: {json.dumps(transfer.label)}", "  results:", "  - task:"]
    lines += [f"      type: {pipeline}", "    dataset:"]
    lines += [
        f"      name: {json.dumps(data.task.name)}",
        f"      type: {json.dumps(data.task.digest)}",
        "    metrics:",
    ]
    for name in measures:
        lines += [
            f"    - type: {json.dumps(HUB_METRICS.get(name, name))}",
            f"      name: {json.dumps(_spaced(name))}",
            f"      value: {run.performance.test[name]:.6f}",
        ]
    return "\n".join([*lines, "---"])


def _answers(data: TaskData) -> str:
    """What the model answers with: labels or tags by name, choices by number, values by their range."""
    if data.labels:
        what = "Tags" if data.train.tags else "Labels"
        return f" {what}: {', '.join(f'`{_code(label)}`' for label in data.labels)}."
    if data.train.choices:
        return f" Each example has {len(data.train.choices[0])} choices."
    if data.train.values:
        return f" Values in train lie in [{min(data.train.values):g}, {max(data.train.values):g}]."
    return ""


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _story(transfer: Transfer, pipeline: str) -> str:
    name = transfer.encoder.name
    # a local path says nothing to a reader elsewhere
    shown = name if _HUB_ID.fullmatch(name) else Path(name).name
    encoder = f"`{_code(shown)}` (digest `{transfer.encoder.digest}`)"
    chain = " → ".join(
        f"`{_code(step)}`" for step in [*(source.name for source in transfer.sources), transfer.target.name]
    )
    if transfer.multitask:
        others = ", ".join(f"`{_code(source.name)}`" for source in transfer.sources)
        company = f"together with {others}" if others else "alone"
        return (
            f"A model for {pipeline.replace('-', ' ')}, trained by forelearn {__version__}: "
            f"the encoder {encoder} learned `{_code(transfer.target.name)}` {company} by the method "
            f"`{_code(transfer.multitask.method)}`; this is the snapshot that was best on dev. Seed {transfer.seed}."
        )
    how = "directly" if transfer.is_baseline else "after what stands before it"
    return (
        f"A model for {pipeline.replace('-', ' ')}, trained by forelearn {__version__}: "
        f"the encoder {encoder} learned {chain}, the last of them {how}. "
        f"Each stage keeps the encoder and starts a new head. Seed {transfer.seed}."
    )


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _code(text: str) -> str:
    """`text` for a code span: no backquote, no line break, no table border."""
    return " ".join(text.replace("`", "'").replace("|", "¦").split())


def _text(text: str) -> str:
    """`text` for running text: markup signs are escaped."""
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", " ".join(text.split()))
