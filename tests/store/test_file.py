"""A file that a person names is written in one step, through links, and into what is no file at all."""

import errno
import os
import threading

import pytest

from forelearn.core.errors import InputError
from forelearn.store.file import write_file


def test_a_link_stays_a_link_and_what_it_points_to_is_written(tmp_path):
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("real.csv")
    write_file(tmp_path / "link.csv", "new")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "new"


def test_a_disk_without_room_is_no_fault_of_the_name(tmp_path, monkeypatch):
    def full(*given, **more):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "x")

    monkeypatch.setattr("pathlib.Path.write_text", full)
    with pytest.raises(OSError, match="No space left"):
        write_file(tmp_path / "results.json", "new")
    assert not list(tmp_path.iterdir())


def test_a_pipe_is_written_into_and_stays_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_file(pipe, "new")
    reader.join(10)
    assert read == ["new"]
    assert pipe.is_fifo()


def test_a_folder_is_refused_and_nothing_is_left(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        write_file(tmp_path, "new")
    assert not list(tmp_path.iterdir())
