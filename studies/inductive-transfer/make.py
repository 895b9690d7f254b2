"""Everything in this folder that is made from the runs, one command each.

python studies/inductive-transfer/make.py results --out STORE    results.csv, from the store of the runs
python studies/inductive-transfer/make.py features --out STORE   features.csv; trains nothing, reads the models
python studies/inductive-transfer/make.py table1|fig1|fig2|heat|page|readme|all
"""

from __future__ import annotations

import argparse
from functools import cache
from pathlib import Path

from claims import PUBLISHED
from readme import fill
from table1 import table1

from forelearn.evaluation.study_result import InMetric, StudyEvaluation
from forelearn.experiment.evaluate import evaluate_study, save_results
from forelearn.report.noisy_heat import noisy_heat
from forelearn.report.study_figures import error_figure, runtime_figure
from forelearn.report.study_page import study_page

HERE = Path(__file__).resolve().parent


@cache
def evaluation() -> StudyEvaluation:
    """The study, judged from results.csv beside this file whatever store there is."""
    return evaluate_study(HERE, out=str(HERE / "no-store"))


def metric(name: str) -> InMetric:
    """Its part in one metric."""
    return next(one for one in evaluation().metrics if one.quality.truth.metric == name)


def features(out: str) -> None:
    """Conductance and embeddings of the single-task models in the store, into features.csv."""
    from forelearn.executors.inline import Inline
    from forelearn.experiment.api import open_prepared
    from forelearn.experiment.features_table import write_features
    from forelearn.experiment.opening import Options
    from forelearn.experiment.study_features import compute_features

    prepared = open_prepared(HERE, Options(out=out))
    write_features(compute_features(prepared, prepared.runs.all(), Inline()), HERE / "features.csv")


def write(name: str, text: str) -> None:
    """One file of this folder."""
    (HERE / name).write_text(text.rstrip() + "\n", encoding="utf-8")
    print(HERE / name)


def main() -> None:
    """Make what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made = ("table1", "fig1", "fig2", "heat", "page", "readme")
    parser.add_argument("what", choices=("results", "features", *made, "all"))
    parser.add_argument("--out", help="the store of the runs")
    wanted = parser.parse_args()
    if wanted.what in ("results", "features") and not wanted.out:
        parser.error(f"{wanted.what} needs --out STORE")
    if wanted.what == "results":
        print(save_results(HERE, out=wanted.out))
    elif wanted.what == "features":
        features(wanted.out)
    for what in made if wanted.what == "all" else [wanted.what]:
        make(what)


def make(what: str) -> None:
    """One table, figure or page."""
    if what == "table1":
        write("table1.md", table1(evaluation()))
    elif what == "fig1":
        write("fig1.svg", error_figure(metric("f1")))
        write("fig1-ap.svg", error_figure(metric("average_precision")))
    elif what == "fig2":
        write("fig2.svg", runtime_figure(metric("f1"), evaluation().exhaustive_seconds, PUBLISHED))
        write("fig2-ap.svg", runtime_figure(metric("average_precision"), evaluation().exhaustive_seconds))
    elif what == "heat":
        write("gains.svg", noisy_heat(metric("average_precision").quality.truth))
    elif what == "page":
        write("page.html", study_page(evaluation()))
    elif what == "readme":
        write("README.md", fill((HERE / "README.md").read_text(encoding="utf-8"), evaluation()))


if __name__ == "__main__":
    main()
