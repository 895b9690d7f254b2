"""NCE: how well the source's predicted labels tell the target's.

Tran, Nguyen & Hassner 2019, "Transferability and hardness of supervised classification tasks", equation 8: the
negative conditional entropy −H(Y|Z) = Σ P(y, z) ln P(y|z) of the target's labels Y given source labels Z, with
the shares of the rows as P. Differs from the paper, whose rows carry both tasks' true labels: Z may be what the
source's model predicts for the target's rows, as in later work.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from forelearn.estimators.inputs import read_classes


def nce(source_labels: ArrayLike, targets: ArrayLike) -> float:
    """Negative conditional entropy in nats, in [−ln C, 0]; higher is better.

    source_labels: [n] integers, one label of the source a row; a single one is allowed, and tells nothing.
    targets: [n] integers, at least 2 classes. Raises `ValueError` for values.
    """
    n = len(np.atleast_1d(np.asarray(source_labels)))
    known = read_classes(source_labels, n, method="NCE", fewest=1)
    classes = read_classes(targets, n, method="NCE")
    joint = np.zeros((classes.count, known.count))
    np.add.at(joint, (classes.index, known.index), 1.0 / n)
    share = joint / joint.sum(axis=0)
    seen = joint > 0
    return float((joint[seen] * np.log(share[seen])).sum())
