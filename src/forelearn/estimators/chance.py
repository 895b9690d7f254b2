"""Random order: what any estimator must beat. A baseline that every table prints.

A source's score hangs on its name, the target's and the seed alone (SHA-256), so that adding a source or listing
them in another order leaves the others where they are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from forelearn.core.scores import Scores


def random_scores(target: str, sources: Sequence[str], *, seed: int) -> Scores:
    """Scores uniform in [0, 1), one a source; higher is better, which says nothing.

    sources: names, each once. seed: another seed, another order.
    """
    if len(set(sources)) != len(sources):
        raise ValueError("`sources` must name each source once")
    values = {}
    for source in sources:
        digest = hashlib.sha256("\n".join((str(seed), target, source)).encode()).digest()
        values[source] = int.from_bytes(digest[:6], "big") / 2**48
    return Scores(target, "random", values)
