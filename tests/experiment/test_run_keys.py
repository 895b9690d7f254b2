import pytest

from forelearn.core.errors import InputError
from forelearn.experiment.run_keys import full_key

KEYS = ["0a1b2c3d4e", "0a1b2cffff", "ffff000000"]


def test_a_key_or_a_beginning_that_no_other_has_names_a_run():
    assert full_key("ffff000000", KEYS) == "ffff000000"
    assert full_key("ffff", KEYS) == "ffff000000"
    assert full_key("0a1b2c3", KEYS) == "0a1b2c3d4e"


@pytest.mark.parametrize(
    ("given", "known", "message"),
    [
        ("0a1b2c", KEYS, "begins 2 keys. Write more of it"),
        ("fff", KEYS, "is not in the store"),
        ("0a1b2c3d4f", KEYS, "Did you mean `0a1b2c3d4e`"),
        ("nonsense", KEYS, "the keys of 3 runs; a beginning will do. Or a pair."),
        ("nonsense", [], "Nothing has run yet"),
    ],
)
def test_what_names_no_run_is_refused_without_a_list_of_keys(given, known, message):
    with pytest.raises(InputError, match=message) as caught:
        full_key(given, known, also="Or a pair.")
    assert "nonsense" in str(caught.value) or "0a1b" in str(caught.value) or "fff" in str(caught.value)
