"""αVIL, as published: each task's change is weighed by how much of it serves the target's dev loss.

Source: Kourdis et al., "αVIL: Learning to leverage auxiliary tasks for multitask learning", Algorithm 1. In an epoch
every task is trained from the same θ on its share with loss weight w_i / Σ w (line 5) and leaves a change δ_i; α
is found by descent on the target's dev loss at θ + Σ α_i δ_i (lines 8 and 9, `alpha_step.py`); then θ ← θ + Σ α_i δ_i
(line 10) and w_i ← max(w_i + α_i − 1, floor) (line 11).

What the text leaves open, and what is done here: weights start at 1 and α at 1; the weights in the loss sum to 1
(`normalise`: or they stand as they are); every task has an optimiser of its own, whose state is kept over the epochs
(`state`: or is fresh in each); α scales the whole change, the head's
part included; dropout is off in the α-step, and the loss there is the mean over the target's dev examples
(`alpha_share`: over a share of them, drawn anew each epoch; `alpha_batch`: each step over that many).

Differs from the source: an epoch whose mixture has no finite dev loss, or one that has exploded, is undone, and said
(the parameters and weights are put back; what the tasks' optimisers have gathered in it stays).
Gradients are clipped to the recipe's `clip_norm` after the loss is weighed: where it clips, a weight counts less;
the paper says nothing of clipping (1e9 turns it off). With α fixed at 1 (`alpha_steps = 0`) the parameters become the
plain sum of the changes: the weights are in them already.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from forelearn.training.multitask.collecting import AlphaOptions, Collecting, described
from forelearn.training.multitask.history import crossings
from forelearn.training.multitask.method import Change
from forelearn.training.multitask.options import Options


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedOptions(AlphaOptions):
    """Options of the published form. normalise: whether the weights in the losses are divided by their sum."""

    normalise: bool = True


class AlphaVil(Collecting[PublishedOptions]):
    """Algorithm 1."""

    name: ClassVar[str] = "alpha-vil"
    about: ClassVar[str] = "αVIL as published: changes weighed by α, weights in the losses"
    Options: ClassVar[type[Options]] = PublishedOptions

    def epoch(self, number: int) -> Change:
        """Collect, mix, weigh."""
        learner, flat, options = self.learner, self.learner.flat, self.options
        total = sum(self.weights) if self.options.normalise else 1.0
        losses, events = self.collect(number, [weight / total for weight in self.weights])
        rows = self.alpha_rows(number)
        before = learner.tune_loss(rows)
        found = self.find_alpha(rows)
        if found.diverged:
            events.append(f"stepped back in the α-step: {found.diverged}")
        self.deltas.mix_into(flat.values, self.start, found.alpha)
        after = learner.tune_loss(rows)
        kept = list(self.weights)
        if self.undo_explosion(before, after, events):
            after = before
        else:
            self.weights = [
                max(weight + float(alpha) - 1, options.floor) for weight, alpha in zip(kept, found.alpha)
            ]
        tasks = described(self, found, losses, self.deltas.norms())
        events += crossings(learner.names, kept, tasks, options.floor)
        return Change(tasks, before, after, tuple(events))
