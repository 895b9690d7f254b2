import importlib

import numpy as np
import pytest

from forelearn.core.errors import InputError
from forelearn.estimators.features import Columns
from forelearn.estimators.predictor import PredictorOptions, fit_predictor
from forelearn.estimators.predictor_file import load_predictor, save_predictor


@pytest.mark.parametrize("backend", ["xgboost", "sklearn"])
def test_a_saved_predictor_predicts_the_same_bit_for_bit(made, tmp_path, backend):
    table, _ = made
    predictor = fit_predictor(table, options=PredictorOptions(backend=backend, folds=3))
    save_predictor(predictor, tmp_path / "predictor.json")
    again = load_predictor(tmp_path / "predictor.json")
    columns = Columns(table.names, table.rows)
    first, second = predictor.predict(columns), again.predict(columns)
    for end in ("mean", "low", "high"):
        assert np.array_equal(getattr(first, end), getattr(second, end))
    assert again.options.boosting == predictor.options.boosting
    assert again.backend == backend
    assert [file.name for file in tmp_path.iterdir()] == ["predictor.json"]


def test_a_fallback_survives_saving(made, tmp_path):
    table, _ = made
    for rows in ([], [0, 1]):
        predictor = fit_predictor(table.pick(rows), options=PredictorOptions())
        save_predictor(predictor, tmp_path / "predictor.json")
        again = load_predictor(tmp_path / "predictor.json")
        assert again.fallback == predictor.fallback
        columns = Columns(table.names, table.rows)
        assert np.array_equal(again.predict(columns).mean, predictor.predict(columns).mean)


@pytest.mark.parametrize(
    "content", ["", "[1]", "{}", '{"format": 2}', '{"format": 1, "options": {}}', '{"format": 1']
)
def test_a_file_that_is_no_predictor_is_refused(tmp_path, content):
    (tmp_path / "p.json").write_text(content)
    with pytest.raises(InputError, match="not a saved predictor"):
        load_predictor(tmp_path / "p.json")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"absent\.json"):
        load_predictor(tmp_path / "absent.json")


def test_xgboosts_trees_are_refused_where_it_cannot_be_imported(made, tmp_path, monkeypatch):
    save_predictor(fit_predictor(made[0], options=PredictorOptions(backend="xgboost")), tmp_path / "p.json")

    def refuse(name):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(InputError, match="written with xgboost, which cannot be imported"):
        load_predictor(tmp_path / "p.json")
