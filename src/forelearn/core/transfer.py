"""A transfer: the plan sources → target. Without sources it is a baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

from forelearn.core.keys import digest, plain
from forelearn.core.multitask import Multitask
from forelearn.core.recipe import Recipe
from forelearn.core.task import Task

Mode = Literal["sequential", "multitask"]


@dataclass(frozen=True, slots=True)
class Encoder:
    """A pretrained body, by name and by the digest of its files (weights, configuration, tokenizer)."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Source:
    """What is learned before the target: a task with its recipe, or an encoder already fine-tuned.

    Exactly one of (`task`, `recipe`) and `encoder` is given. A ready encoder costs nothing to learn.
    """

    task: Task | None = None
    recipe: Recipe | None = None
    encoder: Encoder | None = None

    def __post_init__(self) -> None:
        if (self.task is None) == (self.encoder is None) or (self.task is None) != (self.recipe is None):
            raise ValueError("a source is either a task with a recipe or an encoder")

    @property
    def name(self) -> str:
        """The task's name, or `encoder@NAME`."""
        if self.task is not None:
            return self.task.name
        assert self.encoder is not None
        return f"encoder@{self.encoder.name}"

    def content(self) -> list[Any]:
        """What of this source goes into a key."""
        if self.task is not None:
            return ["task", self.task.kind, self.task.digest, self.recipe]
        assert self.encoder is not None
        return ["encoder", self.encoder.digest]


@dataclass(frozen=True, slots=True)
class Transfer:
    """A plan: learn `sources` in turn, then `target`; or `target` together with them. `key` is its identity.

    seed: decides head initialisation, example order and dropout in every stage.
    multitask: how they are learned together, in that mode; the sources are auxiliary tasks then, learned with the
    target's own recipe, and there may be none (a control).
    """

    target: Task
    encoder: Encoder
    recipe: Recipe
    seed: int
    sources: tuple[Source, ...] = ()
    mode: Mode = "sequential"
    multitask: Multitask | None = None

    def __post_init__(self) -> None:
        if (self.mode == "multitask") != (self.multitask is not None):
            raise ValueError("a multitask transfer, and no other, names its method")
        if self.multitask and any(source.task is None for source in self.sources):
            raise ValueError("auxiliary tasks are tasks, not encoders")

    @property
    def key(self) -> str:
        """Digest of everything that changes the outcome: no names; the metric only where it chooses a snapshot."""
        return _key(self)

    @property
    def is_baseline(self) -> bool:
        """True if the target is learned alone, in the ordinary way."""
        return not self.sources and self.multitask is None

    @property
    def prefix(self) -> Transfer | None:
        """The transfer whose trained encoder this one starts from; None if it starts from a given encoder.

        `encoder → A → B` starts from `encoder → A`, which is A's own baseline at the source's recipe and
        the same seed: it is trained once, however many targets follow.
        """
        if not self.sources or self.sources[-1].task is None or self.multitask:
            return None
        last = self.sources[-1]
        assert last.task is not None
        assert last.recipe is not None
        return replace(self, target=last.task, recipe=last.recipe, sources=self.sources[:-1])

    @property
    def start(self) -> Encoder:
        """Where the chain begins: the study's encoder, or the last ready one among the sources."""
        ready = [source.encoder for source in self.sources if source.encoder is not None]
        return ready[-1] if ready else self.encoder

    @property
    def label(self) -> str:
        """`A → B`, for people; learned together it is `B with A, C (method)`."""
        names = [source.name for source in self.sources]
        if self.multitask:
            together = f" with {', '.join(names)}" if names else " alone"
            return f"{self.target.name}{together} ({self.multitask.method})"
        return " → ".join([*names, self.target.name])

    def as_json(self) -> dict[str, Any]:
        """A dict of plain values that `from_json` reads back."""
        return {"key": self.key, **plain(self)}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Transfer:
        """The transfer that `as_json` wrote."""
        return Transfer(
            target=Task(**value["target"]),
            encoder=Encoder(**value["encoder"]),
            recipe=Recipe(**value["recipe"]),
            seed=value["seed"],
            sources=tuple(
                Source(
                    task=item["task"] and Task(**item["task"]),
                    recipe=item["recipe"] and Recipe(**item["recipe"]),
                    encoder=item["encoder"] and Encoder(**item["encoder"]),
                )
                for item in value["sources"]
            ),
            mode=value["mode"],
            multitask=Multitask.from_json(value["multitask"]) if value.get("multitask") else None,
        )


@lru_cache(maxsize=1 << 16)  # a search asks for the keys of thousands of plans in every round
def _key(transfer: Transfer) -> str:
    content: dict[str, Any] = {
        "target": [transfer.target.kind, transfer.target.digest],
        "sources": [source.content() for source in transfer.sources],
        "mode": transfer.mode,
        "encoder": transfer.encoder.digest,
        "recipe": transfer.recipe,
        "seed": transfer.seed,
    }
    if transfer.multitask:
        content["multitask"] = transfer.multitask
        content["metric"] = transfer.target.metric  # it chooses the snapshot
    return digest(content)
