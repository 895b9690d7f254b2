"""Families of generated tasks of several kinds, of which it is known which sources help the target.

The *kin* of the target are tasks of other kinds over its own lexicon: they teach which words belong to which topic,
which is all that the target asks, and so they help a target that has few examples of its own. The *strangers* are
tasks over another lexicon of the same words: what they teach is of no use to it. The *random* source reads texts
over the target's lexicon and has labels that were dealt out anew. In a *null* family there are no kin: every source
has a lexicon of its own, so nothing that a source knows about words is worth anything to any other task.

The known order is: every kin above every stranger and every random source. {measured}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from forelearn.core.data import TaskData
from forelearn.tasks.synthetic_kinds import Form, Lexicon, Sizes, lexicons, make_task

SIZES = Sizes()
"""Of every source, and of the dev and test splits of the target."""

Role = Literal["kin", "stranger", "random"]
"""What a source is to the target; only kin help."""


@dataclass(frozen=True, slots=True)
class MixedFamily:
    """Generated tasks and the truth about them.

    tasks: name → task with its examples, the target first. target: its name.
    roles: source → what it is to the target. forms, lexicons: of each task, the target included.
    """

    tasks: Mapping[str, TaskData]
    target: str
    roles: Mapping[str, Role]
    forms: Mapping[str, Form]
    lexicons: Mapping[str, Lexicon]

    def sources(self, role: Role) -> list[str]:
        """The names of the sources of this role, in the order of `tasks`."""
        return [name for name, held in self.roles.items() if held == role]


def mixed_family(
    seed: int,
    *,
    target: Form = "spans",
    kin: tuple[Form, ...] = ("tags", "multiclass", "answers"),
    strangers: tuple[Form, ...] = ("spans", "multiclass"),
    random: tuple[Form, ...] = ("multiclass",),
    null: bool = False,
    target_rows: int = 60,
    sizes: Sizes = SIZES,
) -> MixedFamily:
    """A target with `target_rows` training examples, and its sources. The same arguments give the same family.

    target, kin, strangers, random: the forms of the tasks. null: `kin` become strangers too, each source with
    a lexicon of its own. sizes: examples of each source; of the target `dev` and `test`.
    Raises `ValueError` if a null family has more than six lexicons, or a random source's form cannot have
    random labels.
    """
    roles: list[tuple[Role, Form]] = [
        *(("stranger" if null else "kin", form) for form in kin),
        *(("stranger", form) for form in strangers),
        *(("random", form) for form in random),
    ]
    stranger = sum(role == "stranger" for role, _ in roles) if null else 1
    own, *others = lexicons(seed, 1 + stranger)
    name = f"target-{target}"
    few = Sizes(target_rows, sizes.dev, sizes.test)
    tasks = {name: make_task(target, name, own, sizes=few, seed=seed)}
    held: dict[str, Role] = {}
    forms, words = {name: target}, {name: own}
    met = 0
    for number, (role, form) in enumerate(roles, start=1):
        source = f"{number}-{role}-{form}"
        lexicon = others[met % len(others)] if role == "stranger" else own
        met += role == "stranger"
        tasks[source] = make_task(
            form, source, lexicon, sizes=sizes, seed=seed, random_labels=role == "random"
        )
        held[source], forms[source], words[source] = role, form, lexicon
    return MixedFamily(tasks, name, held, forms, words)
