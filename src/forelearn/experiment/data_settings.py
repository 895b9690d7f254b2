"""The [[data]] sections of a study file: which files, which columns, what kind of task."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from forelearn.experiment.section import Names, Paths, Section
from forelearn.tasks.corpus import IMAGE_FORMATS, Corpus, Format, format_of, kind_of

OtherKind = Literal["regression", "multiple_choice", "sequence_labelling", "question_answering"]
"""The kinds that a section names. A classification needs no name: its labels say whether it is binary."""

Metric = Literal[
    "average_precision",
    "f1",
    "accuracy",
    "precision",
    "recall",
    "macro_f1",
    "matthews",
    "pearson",
    "spearman",
    "span_f1",
    "span_precision",
    "span_recall",
    "answer_f1",
    "exact_match",
]
"""Every name of `forelearn.core.task.METRICS`."""

Counts = dict[Literal["train", "dev", "test"], Annotated[int, Field(ge=2, le=1_000_000)]]
"""Split → how many examples."""


def _by_split(value: Any) -> Any:
    return value if isinstance(value, dict) else {"": value}


def _encoding(value: str) -> str:
    try:
        "a".encode(value)  # `codecs.lookup` also knows codecs that make no texts, such as base64
    except (LookupError, ValueError):
        raise PydanticCustomError(
            "encoding",
            "Python knows no such encoding of texts.",
            {"fix": 'Write "utf-8", "latin-1", "cp1252" or another.'},
        ) from None
    return value


class DataSettings(Section):
    """[[data]]: files and how their labels become tasks; see `forelearn.tasks.corpus.Corpus`.

    kind: what the task asks for; classification, and what follows from the format, need none.
    part: "1/2" takes the first of two parts of the rows; `part_by` names the column that is not torn apart.
    composites: of images, how many each split has.
    """

    files: Annotated[dict[Literal["", "train", "dev", "test"], Paths], BeforeValidator(_by_split)]
    format: Format | None = None
    kind: OtherKind | None = None
    metric: Metric | None = None
    name: str | None = None
    encoding: Annotated[str, AfterValidator(_encoding)] = "utf-8"
    quotes: bool = True
    header: Names = ()
    text: Paths | None = None
    pair: Paths | None = None
    choices: Paths | None = None
    id: str | None = None
    label: str | None = None
    start: str | None = None
    label_delimiter: Annotated[str, Field(min_length=1)] | None = None
    group: str | None = None
    split: str | None = None
    one_vs_rest: bool | Names = False
    labels: Names = ()
    positive: str | None = None
    drop: Names = ()
    prefix: str = ""
    part: Annotated[str, Field(pattern=r"^[1-9][0-9]*/[1-9][0-9]*$")] | None = None
    part_by: str | None = None
    composites: Counts = Field(default_factory=dict)
    tweets: Paths | None = None
    ontology: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_files(cls, value: Any) -> Any:
        """The embedded digits have no files, which every other section must name."""
        embedded = isinstance(value, dict) and value.get("format") == "digits"
        return {"files": {}, **value} if embedded else value

    @model_validator(mode="after")
    def _fits(self) -> DataSettings:
        _fits_images(self)
        for first, second in (
            ("name", "one_vs_rest"),
            ("labels", "one_vs_rest"),
            ("positive", "one_vs_rest"),
        ):
            if getattr(self, first) and getattr(self, second):
                raise PydanticCustomError(
                    "both",
                    "`{first}` is for a section that makes one task, `{second}` for one that makes several.",
                    {"first": first, "second": second, "fix": "Leave one of them out."},
                )
        if self.prefix and not self.one_vs_rest:
            raise PydanticCustomError(
                "prefix", "`prefix` is for one-vs-rest tasks.", {"fix": "Set `name`, or add one_vs_rest."}
            )
        if self.split is not None and "" not in self.files:
            raise PydanticCustomError(
                "both",
                "The split is said twice: by `split` and by the table of `files`.",
                {"fix": "Leave one of them out."},
            )
        _fits_kind(self)
        return self

    def corpus(self, where: str) -> Corpus:
        """The section as the readers take it. where: how messages name it."""
        return Corpus(
            where=where,
            files={str(split): paths for split, paths in self.files.items()},
            format=self.format,
            kind=self.kind,
            metric=self.metric,
            name=self.name,
            encoding=self.encoding,
            quotes=self.quotes,
            header=self.header,
            text=self.text,
            pair=self.pair,
            choices=self.choices,
            id=self.id,
            label=self.label,
            start=self.start,
            group=self.group,
            split=self.split,
            label_delimiter=self.label_delimiter,
            one_vs_rest=self.one_vs_rest,
            labels=self.labels,
            positive=self.positive,
            drop=self.drop,
            prefix=self.prefix,
            part=_part(self.part),
            part_by=self.part_by,
            composites={str(split): count for split, count in self.composites.items()},
            tweets=self.tweets or (),
            ontology=self.ontology,
        )


_ONLY: dict[str, tuple[str, ...]] = {
    "choices": ("multiple_choice",),
    "start": ("question_answering",),
}
"""Key → the kinds that it is for."""

_NEVER: dict[str, tuple[str, ...]] = {
    "one_vs_rest": ("regression", "multiple_choice", "sequence_labelling", "question_answering"),
    "positive": ("regression", "multiple_choice", "sequence_labelling", "question_answering"),
    "label_delimiter": ("regression", "multiple_choice", "sequence_labelling", "question_answering"),
    "drop": ("sequence_labelling", "question_answering"),
    "labels": ("regression", "question_answering"),
    "pair": ("sequence_labelling", "multiple_choice"),
}
"""Key → the kinds that have no use for it."""

_INSTEAD: dict[tuple[str, str | None], str] = {
    ("pair", "multiple_choice"): 'Name its column in `text`, too: text = ["article", "question"].',
}


def _fits_kind(section: DataSettings) -> None:
    """Refuse keys that the section's kind has no use for, and a kind without the keys that it needs."""
    corpus = section.corpus("")
    kind = kind_of(corpus)
    called = (kind or "classification").replace("_", " ")
    by_suffix = format_of(corpus) == "squad" and section.format is None and section.kind is None
    for key in (*_ONLY, *_NEVER):
        if getattr(section, key) and (kind not in _ONLY.get(key, (kind,)) or kind in _NEVER.get(key, ())):
            if by_suffix:
                raise PydanticCustomError(
                    "kind",
                    "`{key}` is not for question answering, which is what a .json file is read as.",
                    {"key": key, "fix": "Write a list of rows as JSON lines (.jsonl), or leave the key out."},
                )
            only = " or ".join(f'kind = "{one}"' for one in _ONLY.get(key, ()))
            raise PydanticCustomError(
                "kind",
                "`{key}` is not for {called}.",
                {
                    "key": key,
                    "called": called,
                    "fix": f"Set {only}, or leave it out."
                    if only
                    else _INSTEAD.get((key, kind), "Leave it out."),
                },
            )
    if kind == "multiple_choice" and not section.choices:
        raise PydanticCustomError(
            "kind",
            "A multiple choice needs the columns of its choices.",
            {"fix": 'Add a line like choices = ["choice1", "choice2"].'},
        )
    if section.part is not None and (_part(section.part) or (1, 1))[0] > (_part(section.part) or (1, 1))[1]:
        raise PydanticCustomError(
            "part", "There is no part {part}.", {"part": section.part, "fix": 'Write "1/2" or "2/2".'}
        )


_OF_IMAGES = ("files", "format", "metric", "name", "composites")
"""The keys that a section of images may have."""


def _fits_images(section: DataSettings) -> None:
    """Refuse keys of texts in a section of images, and keys of images in a section of texts."""
    is_images = section.format in IMAGE_FORMATS
    wrong = (
        [key for key in DataSettings.model_fields if key not in _OF_IMAGES] if is_images else ["composites"]
    )
    if section.format == "digits":
        wrong.append("files")
    for key in wrong:
        unsaid = (
            {} if key == "files" else DataSettings.model_fields[key].get_default(call_default_factory=True)
        )
        if getattr(section, key) != unsaid:
            raise PydanticCustomError(
                "images",
                "`{key}` is not for {format}.",
                {
                    "key": key,
                    "format": f'format = "{section.format}"' if is_images else "texts",
                    "fix": "Leave it out.",
                },
            )


def _part(text: str | None) -> tuple[int, int] | None:
    """`"1/2"` as (1, 2)."""
    if text is None:
        return None
    which, _, parts = text.partition("/")
    return int(which), int(parts)
