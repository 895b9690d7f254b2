import math

from forelearn.estimators.scoring import as_scores


def test_a_source_without_a_score_is_listed_with_the_reason():
    scores = as_scores(
        "t", "phi", {"a": 0.3, "b": math.nan}, reason="too few documents", failed={"c": "did not run"}
    )
    assert scores.values == {"a": 0.3}
    assert scores.failed == {"b": "too few documents", "c": "did not run"}
    assert scores.order() == ["a"]
