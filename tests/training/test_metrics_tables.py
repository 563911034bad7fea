import json
import subprocess
from dataclasses import replace

import numpy as np
import pytest

from training.tables import (
    Column,
    Provenance,
    ReportError,
    commit,
    markdown_table,
    provenance_list,
    write_report,
)

COLUMNS = [Column("system", "System"), Column("top1", "top-1", ".1%"), Column("minutes", "minutes", ".0f")]
ROWS = [
    {"system": "majority | class", "top1": 0.0712, "minutes": None, "seed": 1},
    {"system": "catalog head", "top1": 0.7534, "minutes": 44.6, "ece": float("nan")},
]
PROVENANCE = Provenance(
    date="2026-11-24",
    command="make bench",
    commit="abc123-dirty",
    data={"tickets.csv": "f" * 64},
    split="to 2018-04-30",
    seed=17,
    machine="2 cores, Some Processor",
    versions={"python": "3.12.1", "numpy": "2.4.6"},
)


def git(folder, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init")
    (tmp_path / "file").write_text("1")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-m", "First")
    return tmp_path


def test_markdown_table():
    assert markdown_table(ROWS, COLUMNS) == (
        "| System | top-1 | minutes |\n"
        "| --- | ---: | ---: |\n"
        "| majority \\| class | 7.1% | – |\n"
        "| catalog head | 75.3% | 45 |\n"
    )


def test_what_is_not_a_number_becomes_a_dash():
    assert Column("ece", "ECE", ".3f").text(float("nan")) == "–"


def test_numbers_of_numpy_are_written_like_any():
    assert Column("top1", "top-1", ".1%").text(np.float64(0.5)) == "50.0%"


def test_provenance_names_everything_that_is_known():
    text = provenance_list(PROVENANCE)
    for piece in (
        "2026-11-24",
        "`make bench`",
        "abc123-dirty",
        "tickets.csv (sha256 ffffffffffff…)",
        "Seed: 17",
    ):
        assert piece in text
    assert "2 cores, Some Processor" in text
    assert "python 3.12.1, numpy 2.4.6" in text


def test_provenance_leaves_out_what_does_not_apply():
    text = provenance_list(replace(PROVENANCE, data={}, split="", seed=None))
    assert not {"Data", "Split", "Seed"} & {line[2:].split(":")[0] for line in text.splitlines()}


def test_gather_hashes_files_under_their_bare_names(tmp_path):
    file = tmp_path / "tickets.csv"
    file.write_bytes(b"abc")
    gathered = Provenance.gather(command="make bench", data=[file])
    assert gathered.data == {
        # of "abc", as in FIPS 180-2
        "tickets.csv": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    }
    assert "numpy" in gathered.versions


def test_commit_of_a_clean_folder(repository):
    assert len(commit(repository)) == 12


def test_commit_of_a_changed_folder_is_marked(repository):
    (repository / "file").write_text("2")
    assert commit(repository).endswith("-dirty")


def test_new_files_mark_it_too(repository):
    (repository / "other").write_text("2")
    assert commit(repository).endswith("-dirty")


def test_commit_without_git_is_unknown(tmp_path):
    assert commit(tmp_path) == "unknown"


def test_report_for_people(tmp_path):
    write_report(
        tmp_path / "docs" / "accuracy", "Accuracy", ROWS, COLUMNS, PROVENANCE, notes="More is better."
    )
    text = (tmp_path / "docs" / "accuracy.md").read_text("utf-8")
    assert text.startswith("# Accuracy\n\n- Date: 2026-11-24\n")
    assert "\n\n| System | top-1 | minutes |\n" in text
    assert text.endswith("\n\nMore is better.\n")


def test_report_for_programs_holds_every_value(tmp_path):
    write_report(tmp_path / "v1.0", "Accuracy", ROWS, COLUMNS, PROVENANCE)
    content = json.loads((tmp_path / "v1.0.json").read_text("utf-8"))
    assert content["rows"][0]["seed"] == 1
    assert content["rows"][1]["ece"] is None
    assert content["provenance"]["commit"] == "abc123-dirty"


@pytest.mark.parametrize(
    ("rows", "columns"), [([], COLUMNS), (ROWS, [Column("topp1", "top-1")])], ids=["no rows", "misspelled"]
)
def test_a_report_that_would_say_nothing_keeps_the_old_one(tmp_path, rows, columns):
    write_report(tmp_path / "accuracy", "Old", ROWS, COLUMNS, PROVENANCE)
    with pytest.raises(ReportError):
        write_report(tmp_path / "accuracy", "New", rows, columns, PROVENANCE)
    assert (tmp_path / "accuracy.md").read_text("utf-8").startswith("# Old\n")
