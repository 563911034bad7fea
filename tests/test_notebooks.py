"""The notebooks: each is a pair of files that say the same, without outputs, and all of them run."""

from __future__ import annotations

from pathlib import Path

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parent.parent / "notebooks"
SCRIPTS = sorted(FOLDER.glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_both_files_of_a_pair_say_the_same(script: Path) -> None:
    notebook = nbformat.read(script.with_suffix(".ipynb"), as_version=4)
    cells = [(cell.cell_type, cell.source) for cell in notebook.cells]
    assert cells == [(cell.cell_type, cell.source) for cell in jupytext.read(script).cells]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_no_outputs_are_kept(script: Path) -> None:
    notebook = nbformat.read(script.with_suffix(".ipynb"), as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell for cell in code if cell.outputs or cell.execution_count is not None] == []


def test_there_is_no_notebook_without_its_script() -> None:
    assert [path.stem for path in sorted(FOLDER.glob("*.ipynb"))] == [path.stem for path in SCRIPTS]


def test_all_of_them_run_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They share one kernel, which imports torch once, and are told apart by forgetting all names in between."""
    monkeypatch.setenv("PAIDAN_CACHE", str(tmp_path / "encoder"))
    monkeypatch.setenv("PYTHONPATH", str(FOLDER.parent))
    whole = nbformat.v4.new_notebook()
    for script in SCRIPTS:
        cells = nbformat.read(script.with_suffix(".ipynb"), as_version=4).cells
        whole.cells += [nbformat.v4.new_code_cell("%reset -f"), *cells]
    for number, cell in enumerate(whole.cells):
        cell.id = str(number)  # those of two notebooks may be the same
    NotebookClient(
        whole, timeout=500, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
