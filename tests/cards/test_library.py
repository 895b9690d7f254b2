"""A library is a folder or a URI: whole files, no second card of one name, copies that are compared."""

import uuid

import pytest
from tests.cards.made import made_card

from forelearn.cards.card import file_name
from forelearn.cards.library import Copied, Library, copy_cards
from forelearn.core.errors import ForelearnError, InputError


@pytest.fixture(params=["folder", "file://", "memory://"])
def uri(request, tmp_path):
    if request.param == "memory://":
        return f"memory://{uuid.uuid4().hex}/cards"
    return f"{'file://' if request.param == 'file://' else ''}{tmp_path / 'a [b] c' / 'cards'}"


def names(library):
    return [card.name for card in library.cards()]


def test_cards_that_are_added_are_read_back_wherever_the_library_is(uri):
    library = Library(uri)
    assert library.add(made_card("flood"))
    assert library.add(made_card("fire: forest, 2019?*[x]#%", seed=1))
    assert sorted(names(Library(uri))) == ["fire: forest, 2019?*[x]#%", "flood"]
    assert Library(uri).get("flood").performance == {0: 0.5, 1: 0.625}


def test_more_cards_than_are_fetched_together_all_come(uri):
    library = Library(uri)
    for number in range(35):
        library.add(made_card(f"task {number}", seed=number))
    assert sorted(names(library)) == sorted(f"task {number}" for number in range(35))


def test_a_second_card_of_the_name_is_refused_unless_told(uri):
    library = Library(uri)
    library.add(made_card("flood", seed=0))
    with pytest.raises(InputError, match="other content"):
        library.add(made_card("flood", seed=1))
    assert library.get("flood").prints.exact[0] == made_card(seed=0).prints.exact[0]
    assert library.add(made_card("flood", seed=1), replace=True)
    assert library.get("flood").prints.exact[0] == made_card(seed=1).prints.exact[0]


def test_the_same_card_made_later_is_no_second_card(uri):
    library = Library(uri)
    library.add(made_card("flood"))
    assert not library.add(made_card("flood", made="2030-01-01T00:00:00+00:00"))


def test_a_folder_that_is_not_there_is_said_so(uri):
    with pytest.raises(InputError, match="no such folder"):
        Library(uri).files()


@pytest.mark.parametrize("bad", ["nowhere://x/y"])
def test_a_uri_that_nothing_knows_is_said_so(bad):
    with pytest.raises(InputError, match="cannot be opened"):
        Library(bad)


def test_a_wrong_name_gets_the_nearest(uri):
    library = Library(uri)
    library.add(made_card("flood"))
    with pytest.raises(InputError, match="Did you mean `flood`"):
        library.get("floods")


def test_nothing_but_whole_cards_is_left_in_a_folder(tmp_path):
    library = Library(tmp_path)
    library.add(made_card("flood"))
    (tmp_path / ".half.safetensors.1.part").write_bytes(b"half")
    (tmp_path / ".hidden.safetensors").write_bytes(b"half")
    (tmp_path / "README.md").write_text("not a card")
    (tmp_path / "folder.safetensors").mkdir()
    assert library.files() == [file_name("flood")]


def test_a_write_that_fails_leaves_the_old_card(tmp_path, monkeypatch):
    library = Library(tmp_path)
    library.add(made_card("flood", seed=0))

    def no_space(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("forelearn.cards.library.os.replace", no_space)
    with pytest.raises(ForelearnError, match="No space left"):
        library.add(made_card("flood", seed=1), replace=True)
    monkeypatch.undo()
    assert library.get("flood").prints.exact[0] == made_card(seed=0).prints.exact[0]


def test_a_damaged_card_is_named_with_its_file_and_field(tmp_path):
    library = Library(tmp_path)
    library.add(made_card("flood"))
    path = tmp_path / file_name("flood")
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    with pytest.raises(InputError, match=rf"{path.name}, field `sha256`"):
        names(library)


def test_a_large_file_is_refused_before_it_is_read(tmp_path):
    (tmp_path / "big.safetensors").write_bytes(b"\0" * 1_000_001)
    with pytest.raises(InputError, match=r"big\.safetensors: a card holds at most"):
        names(Library(tmp_path))


def test_a_card_in_another_cards_file_is_refused(tmp_path):
    library = Library(tmp_path)
    library.add(made_card("flood"))
    (tmp_path / file_name("flood")).rename(tmp_path / file_name("fire"))
    with pytest.raises(InputError, match="is called `flood`"):
        names(library)


def test_push_and_pull_copy_what_is_missing_and_say_what_was_there(uri, tmp_path):
    ours, theirs, again = Library(tmp_path / "ours"), Library(uri), Library(tmp_path / "again")
    for number, name in enumerate(("flood", "fire", "storm")):
        ours.add(made_card(name, seed=number))
    assert sorted(copy_cards(ours, theirs).written) == ["fire", "flood", "storm"]
    assert copy_cards(theirs, again, names=["storm"]) == Copied(("storm",), ())
    assert (tmp_path / "again" / file_name("storm")).read_bytes() == (
        tmp_path / "ours" / file_name("storm")
    ).read_bytes()
    assert copy_cards(theirs, again) == Copied(("fire", "flood"), ("storm",))


def test_a_copy_that_would_write_over_another_card_writes_nothing(uri, tmp_path):
    ours, theirs = Library(tmp_path / "ours"), Library(uri)
    ours.add(made_card("a new one", seed=5))
    ours.add(made_card("flood", seed=0))
    theirs.add(made_card("flood", seed=1))
    with pytest.raises(InputError, match=r"`flood`: is in .* with other content"):
        copy_cards(ours, theirs)
    assert names(theirs) == ["flood"]
    assert copy_cards(ours, theirs, replace=True).same == ()
    assert theirs.get("flood").prints.exact[0] == made_card(seed=0).prints.exact[0]


def test_a_copy_of_a_damaged_library_writes_nothing(uri, tmp_path):
    ours, theirs = Library(tmp_path), Library(uri)
    for number, name in enumerate(("flood", "zebra")):
        ours.add(made_card(name, seed=number))
    path = tmp_path / file_name("zebra")
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    with pytest.raises(InputError, match="zebra"):
        copy_cards(ours, theirs)
    with pytest.raises(InputError, match="no such folder"):
        theirs.files()
