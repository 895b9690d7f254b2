"""Judge the orders of sources on the published tables and write the figures into docs/tables.md and its drawings.

    FORELEARN_SHARED_DATA=FOLDER python docs/make_tables.py

FOLDER holds `transfer-tables/` with the matrices of thunlp/Prompt-Transferability and the seeded runs of TaskWeb
(Kim et al. 2023). The tables themselves are not part of the project; what is written here is derived from them.
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from forelearn.evaluation.quality import Quality, Verdict
from forelearn.experiment.evaluate_table import evaluate_table
from forelearn.experiment.table_file import TableOptions
from forelearn.report.evaluation_figures import loss_chart, regret_chart
from forelearn.report.evaluation_rows import (
    bounded,
    comparison_words,
    handled_words,
    heading,
    reliability_words,
)
from forelearn.report.evaluation_terminal import differences

DOCS = Path(__file__).parent
START, END = "<!-- measured: written by docs/make_tables.py -->", "<!-- end of what was measured -->"
DRAWS = 200


def main() -> None:
    """Evaluate everything, then write."""
    root = os.environ.get("FORELEARN_SHARED_DATA")
    if root is None or not (Path(root) / "transfer-tables").is_dir():
        sys.exit("Set FORELEARN_SHARED_DATA to the folder that holds transfer-tables/.")
    tables = Path(root) / "transfer-tables"
    seeded, prompts = tables / "taskweb-seeds", tables / "prompt-transferability"
    found: list[Quality] = []
    with TemporaryDirectory() as folder:
        for model, other in (("gpt2m", "t5s"), ("t5s", "gpt2m")):
            runs = {name: read_runs(seeded / f"finetune-{name}.csv") for name in (model, other)}
            found.append(
                judged(scored(runs[model], Path(folder) / f"finetune-{model}.csv", other=runs[other]))
            )
        roberta = {
            variant: read_prompts(
                prompts / "prompt_transfer_results.csv", variant=variant, backbone="Roberta"
            )
            for variant in ("main", "with_position_emb")
        }
        small = read_runs(prompts / "matrix_T5Small.csv")
        for name, smaller, baseline in (
            ("matrix_RobertaLarge", roberta["main"], "auto"),
            ("matrix_T5", small, "random"),
            ("matrix_T5Small", (), "random"),
        ):
            file = scored(read_runs(prompts / f"{name}.csv"), Path(folder) / f"{name}.csv", other=smaller)
            found.append(judged(file, baseline=baseline))
        for variant, rows in roberta.items():
            file = scored(rows, Path(folder) / f"prompts_Roberta_{variant}.csv")
            found.append(judged(file, baseline="random"))
    page = DOCS / "tables.md"
    before, _, rest = page.read_text(encoding="utf-8").partition(START)
    _, _, after = rest.partition(END)
    measured = "\n\n".join(section(quality) for quality in found)
    page.write_text(f"{before}{START}\n\n{measured}\n\n{END}{after}", encoding="utf-8")
    drawings = {"tables.svg": regret_chart(found)}
    drawings |= {
        f"tables-{quality.table.name}.svg": drawn for quality in found if (drawn := loss_chart(quality))
    }
    for name, drawn in drawings.items():
        (DOCS / name).write_text(drawn + "\n", encoding="utf-8")


def judged(path: Path, *, baseline: str = "auto") -> Quality:
    """One table, with its warnings on stderr."""
    quality, warnings = evaluate_table(path, TableOptions(baseline=baseline), draws=DRAWS)
    for warning in warnings:
        print(warning, file=sys.stderr)
    return quality


@dataclass(frozen=True, slots=True)
class Run:
    """A row of a published table; baseline, seed: as it stands there, or empty."""

    target: str
    source: str
    performance: str
    baseline: str = ""
    seed: str = ""


def read_runs(path: Path) -> list[Run]:
    """The runs of a long table, or the cells of a matrix."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if "source" in rows[0]:
        return [
            Run(row["target"], row["source"], row["performance"], row["baseline"], row["seed"])
            for row in rows
        ]
    first = next(iter(rows[0]))
    return [Run(row[first], source, row[source]) for row in rows for source in row if source != first]


def read_prompts(results: Path, *, variant: str, backbone: str) -> list[Run]:
    """One variant's runs with prompts of the backbone itself, and the random prompt."""
    found = []
    with results.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            source = row["prompt"].removesuffix(f"Prompt{backbone}")
            own = source != row["prompt"] or source == "random"
            if row["variant"] == variant and row["backbone"] == backbone and own:
                found.append(Run(row["target"], source, row["value"]))
    return found


def scored(runs: Sequence[Run], path: Path, *, other: Sequence[Run] = ()) -> Path:
    """Write a long table with scores that the published tables themselves give of a pair; the file.

    other model: the mean performance of the same pair with another model (of prompts: a smaller one of its family).
    own prompt: performance of the source's prompt on the source itself. way back: of the target as a source for the
    source. A cell is empty where a table does not have it.
    """
    here, there = _means(runs), _means(other)
    has_own = all((name, name) in here for name in {run.target for run in runs})
    columns: dict[str, Callable[[Run], float | None]] = {}
    if other:
        columns["score_other model"] = lambda run: there.get((run.target, run.source))
    if has_own:
        columns["score_own prompt"] = lambda run: here.get((run.source, run.source))
        columns["score_way back"] = lambda run: here.get((run.source, run.target))
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        extra = [name for name in ("baseline", "seed") if any(getattr(run, name) for run in runs)]
        writer.writerow(["target", "source", "performance", *extra, *columns])
        for run in runs:
            scores = [value if (value := of(run)) is not None else "" for of in columns.values()]
            row = [run.target, run.source, run.performance, *(getattr(run, name) for name in extra)]
            writer.writerow([*row, *scores])
    return path


def _means(runs: Sequence[Run]) -> dict[tuple[str, str], float]:
    """(target, source) → mean performance."""
    found: dict[tuple[str, str], list[float]] = {}
    for run in runs:
        if run.performance:
            found.setdefault((run.target, run.source), []).append(float(run.performance))
    return {pair: fmean(values) for pair, values in found.items()}


def section(quality: Quality) -> str:
    """A table's heading, reliability, figures and comparisons."""
    columns = [
        ("regret@1", 1, 1.0),
        ("regret@3", 1, 1.0),
        ("regret@5", 1, 1.0),
        ("relative_regret@1", 1, 100.0),
        ("ndcg", 2, 1.0),
        ("weighted_tau", 2, 1.0),
        ("rank_of_best", 1, 1.0),
        ("hit@1", 2, 1.0),
        ("hit@5", 2, 1.0),
        ("ir", 2, 1.0),
    ]
    budget = [(f"{name}@{share}", 1, 1.0) for share in ("16.5", "49.5") for name in ("lost", "overstated")]
    parts = [f"### {quality.table.name}", f"{heading(quality).partition(': ')[2].capitalize()}."]
    parts.append(reliability_words(quality))
    parts.append(markdown(quality.verdicts, columns))
    if len(quality.table.seeds) > 1:
        parts.append(markdown(quality.verdicts, budget))
    said = [
        f"- {verdict.method} − {reference}: {words}"
        for verdict in quality.verdicts
        for reference, words in differences(verdict)
    ]
    parts.append("\n".join(said))
    parts.append(f"{comparison_words(quality)} {handled_words(quality)}")
    return "\n\n".join(parts)


def markdown(verdicts: Sequence[Verdict], columns: Sequence[tuple[str, int, float]]) -> str:
    """A Markdown table, a row a method; random's 5 to 95 % band of single orders in a row of its own."""
    titles = [
        name.replace("relative_regret@1", "relative regret@1, %").replace("_", " ") for name, _, _ in columns
    ]
    rows = [["method", *titles], ["---", *["---:"] * len(titles)]]
    for verdict in verdicts:
        cells = [bounded(verdict.figures.get(name), places, factor=by) for name, places, by in columns]
        if set(cells) != {"–"}:
            rows.append([verdict.method, *cells])
        if verdict.band:
            ends = [verdict.band.get(name) for name, _, _ in columns]
            shown = [
                "–"
                if end is None or end[0] != end[0]
                else f"{by * end[0]:.{places}f} to {by * end[1]:.{places}f}"
                for end, (_, places, by) in zip(ends, columns, strict=True)
            ]
            rows.append(["single random orders, 5 to 95 %", *(cell.replace("-", "−") for cell in shown)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    main()
