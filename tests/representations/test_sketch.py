import numpy as np
import pytest

from forelearn.representations import sketch as module
from forelearn.representations.sketch import cosine, sketch


def pair(seed=0, length=20_000, share=0.7):
    """Two vectors with a cosine near `share`, entries of very different sizes."""
    chance = np.random.default_rng(seed)
    scale = np.exp(chance.normal(0, 2, length))
    one = chance.normal(size=length)
    other = share * one + (1 - share**2) ** 0.5 * chance.normal(size=length)
    return np.stack([one * scale, other * scale])


def test_a_short_vector_is_kept_as_it_is():
    both = pair(length=30)
    np.testing.assert_array_equal(sketch(both, "w", size=30), both)


def test_the_product_of_sketches_is_that_of_the_vectors_on_average():
    both = pair(length=2000)
    products = [
        np.prod(sketch(both, "w", size=64, seed=seed), axis=0).sum() / (both[0] @ both[1])
        for seed in range(400)
    ]
    assert np.mean(products) == pytest.approx(1, abs=4 * np.std(products) / 20)
    lengths = np.linalg.norm(both[0]) * np.linalg.norm(both[1]) / (both[0] @ both[1])
    assert np.std(products) <= 1.1 * lengths * (2 / 64) ** 0.5


def test_the_error_of_a_cosine_falls_with_the_root_of_the_size():
    both = pair()
    errors = {
        size: np.sqrt(
            np.mean([(cosine(*sketch(both, "w", size=size, seed=s)) - cosine(*both)) ** 2 for s in range(60)])
        )
        for size in (64, 1024)
    }
    assert errors[64] < (2 / 64) ** 0.5
    assert errors[1024] == pytest.approx(errors[64] / 4, rel=0.4)


def test_a_sketch_is_linear_and_depends_on_name_and_seed():
    both = pair()
    found = sketch(both, "w", size=64)
    np.testing.assert_allclose(sketch(both[:1] + both[1:], "w", size=64)[0], found.sum(0), atol=1e-9)
    assert not np.allclose(sketch(both, "v", size=64), found)
    assert not np.allclose(sketch(both, "w", size=64, seed=1), found)


def test_every_coordinate_goes_to_one_number_with_a_sign():
    """A literal matrix: the sketches of the unit vectors."""
    matrix = sketch(np.eye(300), "w", size=8)
    assert (np.abs(matrix).sum(1) == 1).all()
    assert set(np.unique(matrix)) == {-1.0, 0.0, 1.0}
    both = pair(length=300)
    np.testing.assert_allclose(sketch(both, "w", size=8), both @ matrix, atol=1e-9)


def test_long_vectors_are_drawn_a_stretch_at_a_time(monkeypatch):
    both = pair()
    monkeypatch.setattr(module, "_STRETCH", 4096)
    assert cosine(*sketch(both, "w", size=512)) == pytest.approx(cosine(*both), abs=0.15)


def test_the_cosine_of_nothing_is_not_a_number():
    assert np.isnan(cosine(np.zeros(3), np.ones(3)))
    assert cosine(np.ones(3), 2 * np.ones(3)) == 1.0
