from __future__ import annotations

import errno
import json
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forelearn.core.errors import ForelearnError, InputError
from forelearn.store.directory import Directory
from forelearn.store.gc import collect
from forelearn.store.manifest import Fault, find_faults


def test_making_a_directory_value_writes_nothing(tmp_path: Path) -> None:
    directory = Directory(tmp_path / "study")
    assert directory.whole("runs", "a") is None
    assert directory.keys("runs") == []
    assert directory.unfinished("runs") == []
    assert directory.size("runs", "a") == 0
    assert directory.verify() == []
    directory.discard("runs", "a")
    directory.remove("runs", "a")
    assert not directory.root.exists()


def test_a_scratch_folder_is_not_whole_and_is_kept_for_the_next_attempt(directory: Directory) -> None:
    (directory.work("runs", "a") / "checkpoint").write_text("step 3")
    assert directory.whole("runs", "a") is None
    assert directory.keys("runs") == []
    assert (Directory(directory.root).work("runs", "a") / "checkpoint").read_text() == "step 3"


def test_a_manifest_lists_every_file_with_its_size_and_sha256(directory: Directory) -> None:
    """SHA-256 of the three bytes `abc` is the first example of FIPS 180-2, appendix B.1."""
    folder = directory.work("features", "a")
    (folder / "x.bin").write_bytes(b"abc")
    done = directory.finish("features", "a")
    assert json.loads((done / "manifest.json").read_text()) == {
        "version": 1,
        "files": {
            "x.bin": {"sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "size": 3}
        },
    }
    assert directory.size("features", "a") == 3 + (done / "manifest.json").stat().st_size


def test_finishing_moves_the_folder_and_leaves_no_scratch(directory: Directory, fill) -> None:
    fill(directory, "a")
    done = directory.finish("weights", "a")
    assert done == directory.whole("weights", "a") == directory.root / "weights" / "a"
    assert directory.unfinished("weights") == []
    assert directory.keys("weights") == ["a"]
    assert directory.verify() == []


def test_finishing_a_whole_key_keeps_the_first_folder_and_drops_the_work(directory: Directory, fill) -> None:
    fill(directory, "a")
    done = directory.finish("weights", "a")
    (directory.work("weights", "a") / "model.bin").write_bytes(b"other")
    assert directory.finish("weights", "a") == done
    assert len((done / "model.bin").read_bytes()) == 5120
    assert directory.unfinished("weights") == []


def test_finishing_an_empty_folder_is_refused(directory: Directory) -> None:
    directory.work("runs", "a")
    with pytest.raises(ValueError, match="nothing to finish"):
        directory.finish("runs", "a")


@pytest.mark.parametrize(
    "damage", ["no manifest", "broken manifest", "wrong version", "file gone", "file cut"]
)
def test_a_damaged_folder_is_absent_and_the_next_attempt_replaces_it(
    directory: Directory, fill, damage: str
) -> None:
    fill(directory, "a")
    folder = directory.finish("weights", "a")
    match damage:
        case "no manifest":
            (folder / "manifest.json").unlink()
        case "broken manifest":
            (folder / "manifest.json").write_text('{"version": 1, "fil')
        case "wrong version":
            (folder / "manifest.json").write_text('{"version": 99, "files": {}}')
        case "file gone":
            (folder / "model.bin").unlink()
        case "file cut":
            (folder / "model.bin").write_bytes(b"short")
    assert directory.whole("weights", "a") is None
    assert directory.keys("weights") == []
    assert directory.verify()
    fill(directory, "a")
    directory.finish("weights", "a")
    assert directory.verify() == []
    assert directory.keys("weights") == ["a"]
    assert list(directory.removed().iterdir()) == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_tampered_byte_is_found_and_named(memory_path: Path, data: st.DataObject) -> None:
    directory = Directory(Path(tempfile.mkdtemp(dir=memory_path)))
    contents = data.draw(
        st.dictionaries(st.sampled_from(["a", "b.bin", "c"]), st.binary(min_size=1, max_size=50), min_size=1)
    )
    for name, content in contents.items():
        (directory.work("runs", "k") / name).write_bytes(content)
    folder = directory.finish("runs", "k")
    assert directory.verify() == []
    name = data.draw(st.sampled_from(sorted(contents)))
    at = data.draw(st.integers(0, len(contents[name]) - 1))
    flipped = bytearray(contents[name])
    flipped[at] ^= data.draw(st.integers(1, 255))
    (folder / name).write_bytes(bytes(flipped))
    assert [problem.where.rsplit("/", 1)[1] for problem in directory.verify()] == [name]


def test_verify_names_added_and_missing_files_and_a_file_in_a_folders_place(
    directory: Directory, fill
) -> None:
    fill(directory, "a")
    folder = directory.finish("weights", "a")
    (folder / "deep" / "vocab.txt").unlink()
    (folder / "extra").write_text("?")
    (directory.root / "weights" / "stray").write_text("?")
    where = {problem.where.removeprefix("study/weights/") for problem in directory.verify()}
    assert where == {"a/deep/vocab.txt", "a/extra", "stray"}
    assert all("Remove" in problem.fix for problem in directory.verify())


def test_a_link_cannot_be_finished(directory: Directory, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("x")
    (directory.work("runs", "a") / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(ForelearnError, match="only plain files"):
        directory.finish("runs", "a")
    assert directory.whole("runs", "a") is None


def test_a_manifest_that_points_outside_its_folder_is_not_trusted(directory: Directory, fill) -> None:
    fill(directory, "a")
    folder = directory.finish("weights", "a")
    text = (folder / "manifest.json").read_text().replace("model.bin", "../../model.bin")
    (folder / "manifest.json").write_text(text)
    assert directory.whole("weights", "a") is None


@pytest.mark.parametrize("key", ["", ".", "..", "a/b", "../a", "/etc", ".hidden", "a\n", "x" * 129])
def test_a_key_cannot_climb_out_of_its_shelf(directory: Directory, key: str) -> None:
    with pytest.raises(InputError, match="a key is"):
        directory.work("runs", key)
    assert not directory.root.exists()


def test_removing_and_discarding_touch_their_own_folder_only(directory: Directory, fill) -> None:
    for key in "ab":
        fill(directory, key)
        directory.finish("weights", key)
        fill(directory, key + "x")
    directory.remove("weights", "a")
    directory.discard("weights", "ax")
    assert directory.keys("weights") == ["b"]
    assert directory.unfinished("weights") == ["bx"]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_content_reaches_the_disk_before_the_rename(directory: Directory, fill, monkeypatch) -> None:
    """Every file of the folder, and the folder, is synced before it gets its name; its shelf after."""
    events: list[str] = []
    fsync, rename = os.fsync, os.rename

    def spy_fsync(descriptor: int) -> None:
        events.append(os.readlink(f"/proc/self/fd/{descriptor}").removeprefix(str(directory.root)))
        fsync(descriptor)

    def spy_rename(source: Path, target: Path) -> None:
        events.append("rename")
        rename(source, target)

    fill(directory, "a")
    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(os, "rename", spy_rename)
    directory.finish("weights", "a")
    before, after = events[: events.index("rename")], events[events.index("rename") :]
    scratch = "/".join(("", "work", "weights", "a"))
    assert set(before) >= {
        scratch,
        *(f"{scratch}/{name}" for name in ("model.bin", "manifest.json", "deep/vocab.txt")),
    }
    assert "/weights" in after


def test_a_folder_that_is_removed_while_it_is_checked_is_no_damage(
    directory: Directory, fill: Callable[[Directory, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(directory, "k")
    directory.finish("weights", "k")

    def found(folder: Path) -> list[Fault]:
        directory.remove("weights", "k")
        return find_faults(folder)

    monkeypatch.setattr("forelearn.store.directory.find_faults", found)
    assert directory.verify() == []


def test_what_a_reader_on_a_network_holds_open_ends_no_removal(
    directory: Directory, fill: Callable[[Directory, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """NFS keeps such a file under another name, and its folder is not empty; a later start removes it."""
    fill(directory, "k")
    directory.finish("weights", "k")

    def held(*_: object, **__: object) -> None:
        raise OSError(errno.ENOTEMPTY, "Directory not empty")

    with monkeypatch.context() as patched:
        patched.setattr(os, "rmdir", held)
        directory.remove("weights", "k")
        collect(directory)
    assert directory.keys("weights") == []
    assert list(directory.removed().iterdir())
    collect(directory)
    assert not list(directory.removed().iterdir())


@pytest.mark.parametrize(("said", "ends"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_file_system_that_syncs_no_folders_is_used_as_it_is(
    said: int,
    ends: bool,
    directory: Directory,
    fill: Callable[[Directory, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = os.fsync

    def of_files_alone(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(said, "no")
        real(descriptor)

    fill(directory, "k")
    monkeypatch.setattr(os, "fsync", of_files_alone)
    with pytest.raises(OSError) if ends else nullcontext():
        directory.finish("weights", "k")
    assert (directory.whole("weights", "k") is None) is ends
