"""Files that are set aside keep all that was set aside before them."""

from pathlib import Path

from hub.aside import found_aside, set_aside


def test_files_set_aside_in_the_same_second_have_names_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    names = []
    for number in range(4):
        path.write_text(str(number))
        if number % 2:
            path.with_name("history.sqlite-journal").write_text(f"journal of {number}")
        names.append(set_aside(path).name)
    assert len(set(names)) == 4
    assert found_aside(tmp_path) == names[::-1]
    assert [(tmp_path / name).read_text() for name in names] == ["0", "1", "2", "3"]
    assert (tmp_path / f"{names[3]}-journal").read_text() == "journal of 3"


def test_a_journal_that_is_left_alone_is_not_taken_for_another_file(tmp_path: Path) -> None:
    path = tmp_path / "history.sqlite"
    path.write_text("first")
    first = set_aside(path)
    first.rename(tmp_path / "moved")
    first.with_name(f"{first.name}-journal").write_text("of the first")
    path.write_text("second")
    second = set_aside(path)
    assert second.read_text() == "second"
    assert not second.with_name(f"{second.name}-journal").exists()
