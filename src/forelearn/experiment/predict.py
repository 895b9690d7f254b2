"""Predictions for the rows of a file without labels, from the trained runs of a study, in a form that others read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from forelearn.core.data import Examples
from forelearn.core.errors import InputError, Problem, did_you_mean
from forelearn.core.keys import plain
from forelearn.experiment.api import find_task, open_to_look
from forelearn.experiment.chosen_runs import Chosen, chosen_runs
from forelearn.experiment.last_run import as_last_run
from forelearn.experiment.opening import UNCHANGED, Options
from forelearn.experiment.prepare import Prepared
from forelearn.store.file import write_file
from forelearn.tasks.corpus import Corpus
from forelearn.tasks.predictions import Predicted, as_csv, as_jsonl, renamed
from forelearn.tasks.submissions import Form as SubmissionForm
from forelearn.tasks.submissions import Value, file_for, form_of, submission, values_of
from forelearn.tasks.unlabelled import read_unlabelled, section_of
from forelearn.training.ensemble import Ensemble, Trained, predict_together

Form = Literal["glue", "superglue", "csv", "jsonl"]
FORMS: tuple[Form, ...] = get_args(Form)


@dataclass(frozen=True, slots=True)
class Predictions:
    """What was predicted and where it was written.

    chosen: the runs, and why these. values: label → what the file says for it, where that is another word.
    notes: what was doubtful, for people.
    """

    path: Path
    form: Form
    task: str
    predicted: Predicted
    chosen: Chosen
    values: Mapping[str, Value]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Where, how many, by which runs and why; the predictions themselves are in the file."""
        return {
            "file": str(self.path),
            "form": self.form,
            "task": self.task,
            "rows": len(self.predicted),
            "runs": [
                {
                    "key": run.transfer.key,
                    "label": run.transfer.label,
                    "seed": run.transfer.seed,
                    "dev": plain(run.performance.dev),
                }
                for run in self.chosen.runs
            ],
            "why": self.chosen.why,
            "labels": dict(self.values),
            "notes": list(self.notes),
        }


def predict(
    study: Path | str,
    task: str,
    file: Path | str,
    output: Path | str,
    *,
    form: str = "csv",
    keys: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    options: Options = UNCHANGED,
) -> Predictions:
    """Predict every row of `file` for a task of a study, and write the predictions to `output` in one step.

    file: rows with the columns that the task's [[data]] section reads, labels not needed. output: a file; for `glue`
    and `superglue` with the name that the benchmark wants, or a folder. keys: of runs; none takes all seeds of what is
    best on dev (`chosen_runs`). labels: label → what to write for it.
    A binary label is positive from the mean of the runs' thresholds on. Raises InputError, and writes nothing, for
    whatever is wrong.
    """
    known = _known(form)
    path, wanted = _destination(Path(output), known, task)
    if path.resolve() == Path(file).resolve():
        rule = "is the file whose rows are to be predicted."
        raise InputError(Problem(f"output {path}", rule, "Name another file for the predictions."))
    prepared = open_to_look(study, as_last_run(study, options))
    own = prepared.tasks[find_task(prepared, task).name]
    values: Mapping[str, Value] = dict(labels or {})
    if wanted is not None:
        values = values_of(wanted, own.task.kind, own.labels, labels)
    else:
        renamed(Predicted(own.task.kind, own.labels, (), ()), labels or {})
    chosen = chosen_runs(prepared, own.task, keys)
    rows = read_unlabelled(_section(prepared, task), own, Path(file))
    models = [
        Trained(run.transfer.key, folder, run.transfer.recipe.max_length, run.transfer.recipe.precision)
        for run, folder in zip(chosen.runs, chosen.folders, strict=True)
    ]
    together = predict_together(models, rows.examples, device=prepared.device)
    threshold = sum(run.performance.threshold for run in chosen.runs) / len(chosen.runs)
    predicted = _in_words(together, rows.examples, rows.index, threshold)
    match known:
        case "glue" | "superglue":
            assert wanted is not None
            text = submission(known, wanted, predicted, values)
        case "csv":
            text = as_csv(renamed(predicted, labels or {}))
        case "jsonl":
            text = as_jsonl(renamed(predicted, labels or {}))
    write_file(path, text)
    notes = (*chosen.notes, *(f"{problem.level}: {problem}" for problem in rows.warnings))
    return Predictions(path, known, task, predicted, chosen, values, notes)


def _known(name: str) -> Form:
    for form in FORMS:
        if form == name:
            return form
    raise InputError(Problem("--as", f"there is no form `{name}`.", did_you_mean(name, FORMS)))


def _destination(output: Path, form: Form, task: str) -> tuple[Path, SubmissionForm | None]:
    """The file to write, and what a benchmark wants in it; None for plain tables."""
    if form == "glue" or form == "superglue":
        path = output / file_for(form, task) if output.is_dir() else output
        return path, form_of(form, path.name)
    if output.is_dir():
        raise InputError(
            Problem("-o", f"`{output}` is a folder.", f"Name a file: {output / f'{task}.{form}'}.")
        )
    return output, None


def _section(prepared: Prepared, task: str) -> Corpus:
    study = prepared.study
    corpora = [section.corpus(study.path.name) for section in study.settings.data]
    return section_of(task, corpora, root=study.data_root)


def _in_words(together: Ensemble, examples: Examples, index: Sequence[str], threshold: float) -> Predicted:
    """Predictions as they are written. threshold: probability from which a binary label is the positive one."""
    kind, labels, values = together.kind, together.labels, together.values
    names = tuple(index)
    match kind:
        case "regression":
            return Predicted(kind, labels, names, tuple(float(value) for value in values[:, 0]))
        case "multiple_choice":
            best = tuple(int(place) for place in values.argmax(axis=1))
            return Predicted(kind, labels, names, best, tuple(map(tuple, values.tolist())))
        case "question_answering":
            spans = tuple((int(start), int(end), float(score)) for start, end, score in values)
            texts = [context[start:end] for context, (start, end, _) in zip(examples.pairs or (), spans)]
            return Predicted(kind, labels, names, tuple(texts), spans=spans)
        case "sequence_labelling":
            tags, chances = values.argmax(axis=1).tolist(), values.max(axis=1).tolist()
            said, sure, start = [], [], 0
            for words in examples.words:
                end = start + len(words)
                said.append(tuple(labels[tag] for tag in tags[start:end]))
                sure.append(tuple(chances[start:end]))
                start = end
            return Predicted(kind, labels, names, tuple(said), tuple(sure))
        case _:
            places = values[:, 1] >= threshold if kind == "binary" else values.argmax(axis=1)
            shown = tuple(labels[int(place)] for place in places)
            return Predicted(kind, labels, names, shown, tuple(map(tuple, values.tolist())))
