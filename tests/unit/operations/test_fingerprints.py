"""Fingerprints, by which a second `make local` skips unchanged parts."""

from pathlib import Path

from operations.fingerprints import PhaseRecord, files_under, fingerprint


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def test_the_same_files_have_the_same_fingerprint(tmp_path: Path) -> None:
    folder = written(tmp_path, a="1", b="2")

    first = fingerprint(files_under(folder), root=folder)

    assert fingerprint(files_under(folder), root=folder) == first


def test_a_changed_file_changes_the_fingerprint(tmp_path: Path) -> None:
    before = fingerprint(files_under(written(tmp_path, a="1")), root=tmp_path)

    after = fingerprint(files_under(written(tmp_path, a="2")), root=tmp_path)

    assert after != before


def test_a_renamed_file_changes_the_fingerprint(tmp_path: Path) -> None:
    before = fingerprint(files_under(written(tmp_path, a="1")), root=tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")

    assert fingerprint(files_under(tmp_path), root=tmp_path) != before


def test_text_moved_between_files_changes_the_fingerprint(tmp_path: Path) -> None:
    before = fingerprint(files_under(written(tmp_path, a="12", b="3")), root=tmp_path)

    after = fingerprint(files_under(written(tmp_path, a="1", b="23")), root=tmp_path)

    assert after != before


def test_caches_of_tools_are_not_inputs(tmp_path: Path) -> None:
    cache = tmp_path / "__pycache__"
    cache.mkdir()
    written(cache, module="compiled")

    assert files_under(tmp_path) == []


def test_a_recorded_phase_is_done(tmp_path: Path) -> None:
    done = PhaseRecord(tmp_path / "done.json", "instance-1")

    done.record("terraform", "abc")

    assert done.holds("terraform", "abc")


def test_a_phase_with_other_inputs_is_not_done(tmp_path: Path) -> None:
    done = PhaseRecord(tmp_path / "done.json", "instance-1")

    done.record("terraform", "abc")

    assert not done.holds("terraform", "def")


def test_no_phase_is_done_in_another_run_of_the_local_aws(tmp_path: Path) -> None:
    PhaseRecord(tmp_path / "done.json", "instance-1").record("terraform", "abc")

    assert not PhaseRecord(tmp_path / "done.json", "instance-2").holds("terraform", "abc")


def test_a_second_recorded_phase_keeps_the_first(tmp_path: Path) -> None:
    done = PhaseRecord(tmp_path / "done.json", "instance-1")

    done.record("terraform", "abc")
    done.record("site", "def")

    assert done.holds("terraform", "abc")
