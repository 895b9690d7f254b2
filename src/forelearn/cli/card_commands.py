"""Commands about cards: what a source needs to be ranked without its encoder, and libraries of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forelearn.cli.parameters import Device, Json, LastData, Out, StudyArgument, as_last_run, note, print_json

if TYPE_CHECKING:
    from forelearn.cards.card import Card
    from forelearn.cards.library import Copied

Replace = Annotated[
    bool, typer.Option("--replace", help="Write over cards of the same name and other content.")
]
Names = Annotated[list[str] | None, typer.Option("--name", help="Only this card; repeat for more.")]
LibraryArgument = Annotated[str, typer.Argument(help="A folder, or a URI such as s3://bucket/cards.")]

cards = typer.Typer(
    help="Make, list and exchange cards: what a source needs to be ranked without its encoder.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def add_to(app: typer.Typer) -> None:
    """Register the group of this file."""
    for command, name in ((build, "build"), (add, "add"), (list_, "list"), (push, "push"), (pull, "pull")):
        cards.command(name)(command)
    app.add_typer(cards, name="cards")


def build(
    study: StudyArgument,
    library: Annotated[
        str | None,
        typer.Option("--library", help="A folder or URI. [default: `cards` in the study's folder]"),
    ] = None,
    name: Annotated[list[str] | None, typer.Option("--name", help="Only this task; repeat for more.")] = None,
    licence: Annotated[
        str, typer.Option("--licence", help="Licence of the data, to stand on the cards.")
    ] = "",
    taskemb: Annotated[bool, typer.Option("--taskemb", help="Put TaskEmb on the cards.")] = False,
    replace: Replace = False,
    out: Out = None,
    data: LastData = None,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Make a card of every task whose single-task model is in the study's store. Nothing is trained."""
    from forelearn.cli.display import Live
    from forelearn.core.keys import plain
    from forelearn.experiment.cards import build_cards
    from forelearn.experiment.opening import Options

    options = as_last_run(study, Options(out=out, data_root=data, device=device))
    with Live() as display:
        built = build_cards(
            study,
            library,
            names=name or (),
            licence=licence,
            taskemb=taskemb,
            replace=replace,
            options=options,
            display=display,
        )
    if as_json:
        print_json(plain(built))
        return
    for task in built.written:
        print(f"{task}: made")
    for task in built.same:
        print(f"{task}: as it was")
    for task, reason in built.left_out.items():
        note(f"no card of {task}: {reason}")
    if not built.written and not built.same:
        note("No task of the study has been trained alone yet: forelearn run STUDY does.")


def add(
    file: Annotated[Path, typer.Argument(help="A card's file.")],
    library: LibraryArgument,
    replace: Replace = False,
) -> None:
    """Put a card's file into a library."""
    from forelearn.cards.library import Library, add_file

    _copied(add_file(file, Library(library), replace=replace), as_json=False)


def list_(library: LibraryArgument, as_json: Json = False) -> None:
    """The cards of a library."""
    from forelearn.cards.library import Library

    found = sorted(Library(library).cards(), key=lambda card: card.name)
    if as_json:
        print_json([_facts(card) for card in found])
    else:
        _show(found)


def push(
    folder: Annotated[str, typer.Argument(help="The library to copy from.")],
    uri: LibraryArgument,
    name: Names = None,
    replace: Replace = False,
    as_json: Json = False,
) -> None:
    """Copy cards from a library of yours to another."""
    from forelearn.cards.library import Library, copy_cards

    found = copy_cards(Library(folder), Library(uri), names=name or (), replace=replace)
    _copied(found, as_json=as_json)


def pull(
    uri: LibraryArgument,
    folder: Annotated[str, typer.Argument(help="The library to copy to.")],
    name: Names = None,
    replace: Replace = False,
    as_json: Json = False,
) -> None:
    """Copy cards from a library to one of yours; each is compared with the digest in it."""
    from forelearn.cards.library import Library, copy_cards

    found = copy_cards(Library(uri), Library(folder), names=name or (), replace=replace)
    _copied(found, as_json=as_json)


def _copied(copied: Copied, *, as_json: bool) -> None:
    from forelearn.core.keys import plain

    if as_json:
        print_json(plain(copied))
        return
    for name in copied.written:
        print(f"{name}: copied")
    if copied.same:
        note(f"{len(copied.same)} there already.")


def _facts(card: Card) -> dict[str, object]:
    """What a list says of a card."""
    return {
        "name": card.name,
        "kind": card.kind,
        "labels": list(card.labels),
        "train": card.train,
        "metric": card.metric,
        "performance": {str(seed): value for seed, value in card.performance.items()},
        "encoder": card.encoder.name,
        "encoder_digest": card.encoder.digest,
        "map_rank": None if card.esm is None else card.esm.rank,
        "map_error": None if card.esm is None else card.esm.error,
        "checked": card.prints.coverage,
        "licence": card.licence,
        "made": card.made,
        "by": card.by,
    }


def _show(found: list[Card]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from forelearn.report.markup import visible

    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("card", overflow="fold")
    table.add_column("kind")
    table.add_column("rows", justify="right")
    table.add_column("alone, on dev", justify="right")
    table.add_column("base encoder", overflow="fold")
    table.add_column("licence", overflow="fold")
    for card in found:
        values = list(card.performance.values())
        shown = (
            f"{min(values):.3f} to {max(values):.3f}"
            if len(values) > 1
            else "".join(f"{one:.3f}" for one in values)
        )
        row = (card.name, card.kind, f"{card.train}", shown, card.encoder.name, card.licence or "not said")
        table.add_row(*(Text(visible(cell)) for cell in row))
    Console().print(table)
