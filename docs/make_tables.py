"""Judge the orders of sources on the published tables and write the figures into docs/tables.md and its drawings.

    FORELEARN_SHARED_DATA=FOLDER python docs/make_tables.py

FOLDER holds `transfer-tables/` with the matrices of thunlp/Prompt-Transferability and the seeded runs of TaskWeb
(Kim et al. 2023). The tables themselves are not part of the project; what is written here is derived from them.
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Sequence
from pathlib import Path
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
    found: list[Quality] = [
        judged(seeded / "finetune-gpt2m.csv"),
        judged(seeded / "finetune-t5s.csv"),
        judged(prompts / "matrix_RobertaLarge.csv"),
        judged(prompts / "matrix_T5.csv", baseline="random"),
        judged(prompts / "matrix_T5Small.csv", baseline="random"),
    ]
    with TemporaryDirectory() as folder:
        for variant in ("main", "with_position_emb"):
            path = Path(folder) / f"prompts_Roberta_{variant}.csv"
            own_prompts(prompts / "prompt_transfer_results.csv", path, variant=variant, backbone="Roberta")
            found.append(judged(path, baseline="random"))
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


def own_prompts(results: Path, path: Path, *, variant: str, backbone: str) -> None:
    """One variant's runs with prompts of the backbone itself, and the random prompt, as a long table."""
    with (
        results.open(encoding="utf-8", newline="") as file,
        path.open("w", encoding="utf-8", newline="") as out,
    ):
        writer = csv.writer(out)
        writer.writerow(["target", "source", "performance"])
        for row in csv.DictReader(file):
            source = row["prompt"].removesuffix(f"Prompt{backbone}")
            own = source != row["prompt"] or source == "random"
            if row["variant"] == variant and row["backbone"] == backbone and own:
                writer.writerow([row["target"], source, row["value"]])


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
