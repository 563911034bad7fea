from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from typer.testing import CliRunner

from data.gazetteer.cli import app
from data.gazetteer.errors import GazetteerError, UnknownCityError
from data.gazetteer.gazetteer import Gazetteer

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("jionlp") is None, reason="the national table comes with jionlp"
)


def run(*words: str) -> str:
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("gazetteer") / "haikou"
    run("build", "--city", "海口市", "--output", str(target))
    return target


def test_build_writes_a_folder_that_loads(folder: Path) -> None:
    assert Gazetteer.load(folder).city.name == "海口市"


def test_build_reports_names_that_are_not_unique(tmp_path: Path) -> None:
    output = run("build", "--city", "东莞市", "--output", str(tmp_path / "out"))
    assert "stand for more than one area" in output
    assert "上元村: 东莞市 > 清溪镇 > 上元村, 东莞市 > 茶山镇 > 上元村" in output


def test_show_prints_every_path_of_a_name(folder: Path) -> None:
    output = run("show", str(folder), "海秀")
    assert "海口市 > 秀英区 > 海秀镇" in output
    assert "海口市 > 秀英区 > 海秀街道" in output


def test_show_takes_a_code(folder: Path) -> None:
    assert "海口市 > 龙华区" in run("show", str(folder), "460106")


def test_show_of_an_unknown_name_is_an_error(folder: Path) -> None:
    with pytest.raises(GazetteerError, match="no area is called"):
        run("show", str(folder), "不存在街道")


def test_build_of_an_unknown_city_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnknownCityError):
        run("build", "--city", "无此市", "--output", str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
