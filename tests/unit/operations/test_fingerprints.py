"""Fingerprints, by which a second `make local` skips unchanged parts."""

from pathlib import Path

from operations.fingerprints import Done, files_under, fingerprint


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def test_given_the_same_files_then_the_fingerprint_is_the_same(tmp_path: Path) -> None:
    folder = written(tmp_path, a="1", b="2")

    first = fingerprint(files_under(folder), root=folder)

    assert fingerprint(files_under(folder), root=folder) == first


def test_given_a_changed_file_then_the_fingerprint_changes(tmp_path: Path) -> None:
    before = fingerprint(files_under(written(tmp_path, a="1")), root=tmp_path)

    after = fingerprint(files_under(written(tmp_path, a="2")), root=tmp_path)

    assert after != before


def test_given_a_renamed_file_then_the_fingerprint_changes(tmp_path: Path) -> None:
    before = fingerprint(files_under(written(tmp_path, a="1")), root=tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")

    assert fingerprint(files_under(tmp_path), root=tmp_path) != before


def test_given_text_moved_between_files_then_the_fingerprint_changes(tmp_path: Path) -> None:
    before = fingerprint(files_under(written(tmp_path, a="12", b="3")), root=tmp_path)

    after = fingerprint(files_under(written(tmp_path, a="1", b="23")), root=tmp_path)

    assert after != before


def test_what_tools_leave_behind_is_no_input(tmp_path: Path) -> None:
    cache = tmp_path / "__pycache__"
    cache.mkdir()
    written(cache, module="compiled")

    assert files_under(tmp_path) == []


def test_given_a_recorded_phase_then_it_is_held(tmp_path: Path) -> None:
    done = Done(tmp_path / "done.json", "instance-1")

    done.record("terraform", "abc")

    assert done.holds("terraform", "abc")


def test_given_other_inputs_then_a_phase_is_not_held(tmp_path: Path) -> None:
    done = Done(tmp_path / "done.json", "instance-1")

    done.record("terraform", "abc")

    assert not done.holds("terraform", "def")


def test_given_another_run_of_the_local_aws_then_nothing_is_held(tmp_path: Path) -> None:
    Done(tmp_path / "done.json", "instance-1").record("terraform", "abc")

    assert not Done(tmp_path / "done.json", "instance-2").holds("terraform", "abc")


def test_given_two_phases_recorded_then_both_are_held(tmp_path: Path) -> None:
    done = Done(tmp_path / "done.json", "instance-1")

    done.record("terraform", "abc")
    done.record("site", "def")

    assert done.holds("terraform", "abc")
