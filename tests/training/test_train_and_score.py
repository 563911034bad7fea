"""One small training from end to end: invented tickets in, decisions out."""

from __future__ import annotations

import csv
import random
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import orjson
import pytest
import torch
from typer.testing import CliRunner

from data.catalog.catalog import Catalog
from data.catalog.entries import (
    Department,
    DepartmentKind,
    DispatchMode,
    Family,
    IssueCategory,
    Rule,
    Scenario,
)
from data.catalog.folder import save_catalog
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from data.tickets.columns import ColumnMapping
from data.tickets.ticket import Ticket
from model import artifact
from model.cascade import Cascade
from model.decision import AnsweredBy, Decision, Flag, Level, PlaceStatus, ReasonKind, Role
from model.dispatcher import Dispatcher
from model.errors import ArtifactError
from model.inputs import model_input
from model.lexical import LexicalExpert
from model.live_catalog import apply_catalog
from model.runtime import Precision
from serve.live_catalog_cli import app as catalog_commands
from serve.policy_cli import policy as policy_commands
from serve.tune_cli import commands as tune_commands
from serve.tuning import Tuning
from training.errors import TrainingError
from training.export import export_int8
from training.progress import ProgressCallback
from training.settings import TrainingSettings, load_settings
from training.train import TrainingRequest, train

TICKETS, NEW_TICKETS = 400, 50
BATCH, CHECKPOINT_EVERY, KILLED_AT = 16, 10, 33  # 20 steps an epoch: killed in the second

DISTRICTS = {"d1": "东湖区", "d2": "西河区", "d3": "北山区"}
COMPLAINTS = {
    "城管": ["占道经营的摊贩很多", "烧烤摊油烟扰民", "垃圾堆满没有清运", "违章搭建一直不拆除"],
    "住建": ["物业不处理电梯损坏", "小区物业收费太高", "房屋漏水无人修", "工地夜间施工噪音大"],
    "水务": ["自来水停供两天", "水管破损漏水", "家里水压太低", "水费价格不对"],
    "公交": ["公交车等了很久不来", "公交司机态度差", "公交站点取消了", "公交线路改了没有通知"],
}
OPENINGS = ["市民来电反映", "居民反映", "群众投诉", "来电咨询", "业主表示", "本人反映"]
PLACES = ["人民路", "花园小区", "中学门口", "农贸市场旁边", "第一医院对面", "新城商场附近", "和平街"]
CLOSINGS = ["请尽快处理", "希望解决", "请核实", "要求答复", "影响生活"]


def _catalog() -> Catalog:
    gazetteer = Gazetteer.from_records(
        [
            Jurisdiction("c", "山海市", JurisdictionLevel.CITY),
            *(
                Jurisdiction(code, name, JurisdictionLevel.DISTRICT, "c", (name[:2],))
                for code, name in DISTRICTS.items()
            ),
        ]
    )
    bureaus = [
        Department(f"{family}-{code}", f"{name}{family}局", DepartmentKind.DISTRICT_BUREAU, family, code)
        for code, name in DISTRICTS.items()
        for family in ("城管", "住建")
    ]
    companies = [
        Department(
            f"{family}-c",
            f"山海市{family}集团",
            DepartmentKind.PUBLIC_SERVICE_COMPANY,
            family,
            "c",
            effective_from=date(2020, 1, 1),
        )
        for family in ("水务", "公交")
    ]
    return Catalog.from_entries(
        city="山海市",
        gazetteer=gazetteer,
        departments=[*bureaus, *companies],
        families=[
            Family("城管", "占道经营、油烟、垃圾清运、违章搭建的管理和执法"),
            Family("住建", "物业管理、房屋质量、工地施工的监督"),
            Family("水务", "自来水供应、水管维修、水费"),
            Family("公交", "公交车线路、站点和司机服务"),
        ],
        issue_categories=[IssueCategory("k1", "占道经营", keywords=("摊贩",))],
        rules=[Rule("k1", JurisdictionLevel.DISTRICT, "城管", time_limit_hours=24)],
    )


def _invent(count: int, seed: int) -> list[Ticket]:
    """Invent tickets, no two of one wording; `department` is the code of the right unit."""
    draw = random.Random(seed)
    tickets: dict[str, Ticket] = {}
    while len(tickets) < count:
        family = draw.choice(list(COMPLAINTS))
        code, district = draw.choice(list(DISTRICTS.items()))
        unit = f"{family}-{code if family in {'城管', '住建'} else 'c'}"
        place = f"{district}{draw.choice(PLACES)}{draw.randint(1, 99)}号"
        complaint, closing = draw.choice(COMPLAINTS[family]), draw.choice(CLOSINGS)
        text = f"{draw.choice(OPENINGS)}，{place}{complaint}，{closing}。"
        moment = datetime(2026, 1, 1) + timedelta(hours=5 * len(tickets))
        tickets.setdefault(text, Ticket(f"{seed}-{len(tickets)}", text, created_at=moment, department=unit))
    return list(tickets.values())


def _write(path: Path, tickets: Sequence[Ticket]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["ticket_id", "text", "created_at", "department"])
        for ticket in tickets:
            writer.writerow([ticket.ticket_id, ticket.text, ticket.created_at, ticket.department])
    return path


def _settings(encoder: Path, **changes: object) -> TrainingSettings:
    return load_settings(
        None,
        **{
            "encoder": str(encoder),
            "layers": None,
            "max_tokens": 48,
            "epochs": 2,
            "batch_size": BATCH,
            "learning_rate": 1e-3,
            "checkpoint_steps": CHECKPOINT_EVERY,
            "calibration_share": 0.2,
            "threads": 1,
        }
        | changes,
    )


@pytest.fixture(scope="module")
def request_for(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path):
    """Return a function that makes the request of one and the same training for an output folder."""
    threads = torch.get_num_threads()
    path = _write(tmp_path_factory.mktemp("tickets") / "tickets.csv", _invent(TICKETS, seed=1))

    def make(output: Path, **changes: object) -> TrainingRequest:
        return TrainingRequest(
            tickets=path,
            columns=ColumnMapping.identity(),
            catalog=_catalog(),
            settings=_settings(tiny_checkpoint, **changes),
            output=output,
        )

    yield make
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def trained(request_for, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(request_for(tmp_path_factory.mktemp("trained") / "artifact"))


@pytest.fixture(scope="module")
def dispatcher(trained: Path) -> Dispatcher:
    return Dispatcher.load(trained, threads=1)


@pytest.fixture(scope="module")
def new_tickets() -> list[Ticket]:
    return _invent(NEW_TICKETS, seed=2)


@pytest.fixture(scope="module")
def decisions(dispatcher: Dispatcher, new_tickets: list[Ticket]) -> list[Decision]:
    return dispatcher.score(new_tickets)


def test_the_right_unit_comes_first(decisions: list[Decision], new_tickets: list[Ticket]) -> None:
    right = [
        d.candidates[0].department.code == t.department for d, t in zip(decisions, new_tickets, strict=True)
    ]
    assert sum(right) >= 0.8 * NEW_TICKETS


def test_decisions_answer_tickets_in_order(decisions: list[Decision], new_tickets: list[Ticket]) -> None:
    assert [decision.ticket_id for decision in decisions] == [ticket.ticket_id for ticket in new_tickets]


def test_candidates_come_best_first(decisions: list[Decision]) -> None:
    for decision in decisions:
        scores = [candidate.score for candidate in decision.candidates if candidate.role is Role.LEAD]
        assert len(scores) == 3
        assert scores == sorted(scores, reverse=True)
        assert sum(scores) <= 1.001


def test_top_k_limits_the_candidates(dispatcher: Dispatcher, new_tickets: list[Ticket]) -> None:
    (decision,) = dispatcher.score(new_tickets[:1], top_k=1)
    assert len(decision.candidates) == 1


def test_scores_of_all_units_sum_to_one(dispatcher: Dispatcher, new_tickets: list[Ticket]) -> None:
    scores = dispatcher.scores(new_tickets)
    assert scores.shape == (NEW_TICKETS, 8)
    assert scores.sum(axis=1) == pytest.approx(1.0, abs=1e-4)


def test_the_place_is_settled_by_spans_of_the_text(
    decisions: list[Decision], new_tickets: list[Ticket]
) -> None:
    for decision, ticket in zip(decisions, new_tickets, strict=True):
        placed = decision.jurisdiction
        assert placed.status is PlaceStatus.RESOLVED
        assert placed.jurisdiction is not None
        assert placed.jurisdiction.name in ticket.text
        assert placed.evidence
        for span in placed.evidence:
            assert span.text == ticket.text[span.start : span.end] != ""


def test_the_first_candidate_has_reasons(decisions: list[Decision], new_tickets: list[Ticket]) -> None:
    kinds = set()
    for decision, ticket in zip(decisions, new_tickets, strict=True):
        reasons = decision.candidates[0].reasons
        assert reasons
        kinds.update(reason.kind for reason in reasons)
        for span in (span for reason in reasons for span in reason.spans):
            assert span.text == ticket.text[span.start : span.end] != ""
    assert kinds == set(ReasonKind)


def test_decisions_name_the_versions(decisions: list[Decision], trained: Path) -> None:
    manifest = artifact.read_manifest(trained)
    for decision in decisions:
        assert decision.versions.model == manifest.model_version
        assert decision.versions.policy == manifest.policy_version
        assert decision.versions.catalog == _catalog().content_hash[:12]
        assert not decision.degraded


def test_a_unit_is_not_proposed_before_it_existed(dispatcher: Dispatcher) -> None:
    text = "市民来电反映，东湖区人民路8号公交车等了很久不来，请核实。"
    now, before = dispatcher.score(
        [
            Ticket("1", text, created_at=datetime(2026, 1, 1)),
            Ticket("2", text, created_at=datetime(2019, 1, 1)),
        ],
        top_k=8,
    )
    assert now.candidates[0].department.code == "公交-c"
    assert len(now.candidates) == 8
    assert len(before.candidates) == 6  # without the two companies
    assert "公交-c" not in {candidate.department.code for candidate in before.candidates}


def test_a_ticket_scores_alone_as_among_others(dispatcher: Dispatcher) -> None:
    tickets = _invent(8, seed=3)
    together = dispatcher.score(tickets)
    alone = [dispatcher.score([ticket])[0] for ticket in tickets]
    for one, other in zip(together, alone, strict=True):
        assert [c.department.code for c in one.candidates] == [c.department.code for c in other.candidates]
        assert [c.score for c in one.candidates] == pytest.approx(
            [c.score for c in other.candidates], abs=2e-3
        )


@pytest.fixture(scope="module")
def cascading(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an artifact whose lexical expert is sure of everything."""
    output = tmp_path_factory.mktemp("cascading") / "artifact"
    with artifact.changed_copy(trained, output) as folder:
        Cascade(0.0, 5.0, 1.0, 0.0, 1.0, 0.0).save(folder / artifact.CASCADE)
    return output


def test_a_sure_lexical_expert_answers_without_the_encoder(
    cascading: Path, new_tickets: list[Ticket], monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatcher = Dispatcher.load(cascading, threads=1, cascade=True)
    monkeypatch.setattr(dispatcher.experts.runtime, "encode", None)
    decisions = dispatcher.score(new_tickets)
    right = [
        d.candidates[0].department.code == t.department for d, t in zip(decisions, new_tickets, strict=True)
    ]
    assert {decision.answered_by for decision in decisions} == {AnsweredBy.LEXICAL}
    assert sum(right) >= 0.8 * NEW_TICKETS


def test_the_cascade_can_be_switched_off(cascading: Path, new_tickets: list[Ticket]) -> None:
    decisions = Dispatcher.load(cascading, threads=1).score(new_tickets)
    assert {decision.answered_by for decision in decisions} == {AnsweredBy.MODEL}


def test_what_the_lexical_expert_does_not_read_is_for_both(
    cascading: Path, dispatcher: Dispatcher, new_tickets: list[Ticket]
) -> None:
    stated = replace(new_tickets[0], district="西河区")
    plain, by_both = Dispatcher.load(cascading, threads=1, cascade=True).score([new_tickets[0], stated])
    assert (plain.answered_by, by_both.answered_by) == (AnsweredBy.LEXICAL, AnsweredBy.MODEL)
    assert by_both.candidates == dispatcher.score([stated])[0].candidates


def test_a_unit_that_is_closed_is_not_answered_by_words(cascading: Path) -> None:
    ticket = Ticket(
        "1", "市民来电反映，东湖区人民路8号公交车等了很久不来，请核实。", created_at=datetime(2019, 1, 1)
    )
    (decision,) = Dispatcher.load(cascading, threads=1, cascade=True).score([ticket])
    assert decision.answered_by is AnsweredBy.MODEL
    assert "公交-c" not in {candidate.department.code for candidate in decision.candidates}


def test_another_catalog_has_no_cascade_until_the_next_training(cascading: Path, tmp_path: Path) -> None:
    catalog = _catalog()
    more = Department("消防-c", "山海市消防局", DepartmentKind.DISTRICT_BUREAU, "住建", "c")
    other = Catalog.from_entries(
        city=catalog.city,
        gazetteer=catalog.gazetteer,
        departments=[*catalog.departments.values(), more],
        families=list(catalog.families.values()),
        issue_categories=list(catalog.issue_categories.values()),
        rules=list(catalog.rules),
    )
    apply_catalog(cascading, other, tmp_path / "applied")
    assert not (tmp_path / "applied" / artifact.CASCADE).exists()


@pytest.fixture(scope="module")
def with_int8(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("int8") / "artifact"
    with artifact.changed_copy(trained, output) as folder:
        export_int8(folder / artifact.ENCODER, folder / artifact.ENCODER_INT8)
    return output


def test_the_int8_encoder_answers_much_the_same(
    with_int8: Path, decisions: list[Decision], new_tickets: list[Ticket]
) -> None:
    found = Dispatcher.load(with_int8, threads=1, precision=Precision.INT8).score(new_tickets)
    same = [
        one.candidates[0].department == other.candidates[0].department
        for one, other in zip(found, decisions, strict=True)
    ]
    assert sum(same) >= 0.9 * NEW_TICKETS


def test_an_artifact_without_int8_says_how_to_get_it(trained: Path) -> None:
    with pytest.raises(ArtifactError, match="int8_encoder"):
        Dispatcher.load(trained, precision=Precision.INT8)


def test_tune_measures_and_keeps_what_serve_then_takes(with_int8: Path, tmp_path: Path) -> None:
    config = tmp_path / "serve.yaml"
    config.write_text(f"tuning_file: {tmp_path / 'tuning.json'}\n")
    result = CliRunner().invoke(tune_commands, ["--artifact", str(with_int8), "--config", str(config)])
    assert result.exit_code == 0, result.output
    tuning = Tuning.load(tmp_path / "tuning.json")
    assert tuning is not None
    assert tuning.encoder_sha256 == artifact.file_sha256(with_int8 / artifact.ENCODER)
    assert tuning.why in result.output
    assert "int8 on" in result.output


def test_no_tickets_give_no_decisions(dispatcher: Dispatcher) -> None:
    assert dispatcher.score([]) == []


def test_a_text_of_nothing_known_is_not_routed(dispatcher: Dispatcher) -> None:
    (decision,) = dispatcher.score([Ticket("1", "？")])
    assert decision.level is not Level.AUTO
    assert decision.jurisdiction.status is PlaceStatus.MISSING


def test_the_manifest_says_what_it_was_trained_on(trained: Path, request_for) -> None:
    request = request_for(trained)
    manifest = artifact.read_manifest(trained)
    assert manifest.data["training_tickets"] + manifest.data["calibration_tickets"] == TICKETS
    assert manifest.data["tickets_sha256"] == artifact.file_sha256(request.tickets)
    assert manifest.settings == request.settings.model_dump()
    assert manifest.data["first_day"] == "2026-01-01"


def test_nothing_is_left_beside_the_artifact(trained: Path) -> None:
    assert [path.name for path in trained.parent.iterdir()] == [trained.name]


def test_the_same_seed_gives_the_same_model_even_when_killed_on_the_way(
    trained: Path,
    request_for,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    on_step_end = ProgressCallback.on_step_end
    output = tmp_path / "artifact"

    def is_killed_at(wanted: int, of: int | None = None) -> None:
        def killed(self, args, state, control, **rest) -> None:
            on_step_end(self, args, state, control, **rest)
            if state.global_step == wanted and (of is None or state.max_steps < of):
                raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(ProgressCallback, "on_step_end", killed)
            with pytest.raises(KeyboardInterrupt):
                train(request_for(output))
        assert not output.exists()

    is_killed_at(KILLED_AT)
    capsys.readouterr()
    is_killed_at(2, of=KILLED_AT)  # while it sees the latest tickets
    assert "resumed at step 30 of 40" in capsys.readouterr().err
    train(request_for(output))
    first, second = artifact.read_manifest(trained), artifact.read_manifest(output)
    assert second.files == first.files
    assert second.model_version == first.model_version
    assert [path.name for path in tmp_path.iterdir()] == ["artifact"]


def test_the_latest_tickets_teach_the_encoder_after_the_calibration(
    trained: Path, request_for, tmp_path: Path
) -> None:
    train(request_for(tmp_path / "artifact", refresh_rate=0.0))
    with_it, without = (artifact.read_manifest(path).files for path in (trained, tmp_path / "artifact"))
    differing = {name for name in with_it if with_it[name] != without[name]}
    assert differing == {artifact.ENCODER, artifact.HEAD}


@pytest.mark.parametrize(
    "name", [artifact.ENCODER, artifact.HEAD, artifact.PLACES, f"{artifact.CATALOG}/families.yaml"]
)
def test_a_changed_byte_is_not_loaded(trained: Path, tmp_path: Path, name: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(trained, copy)
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(ArtifactError, match="was changed") as raised:
        Dispatcher.load(copy)
    assert raised.value.where == str(copy / name)


def test_too_few_tickets_are_refused(request_for, tmp_path: Path) -> None:
    request = request_for(tmp_path / "artifact")
    few = _write(tmp_path / "few.csv", _invent(20, seed=4))
    with pytest.raises(TrainingError, match="only 20 usable tickets"):
        train(TrainingRequest(few, request.columns, request.catalog, request.settings, request.output))
    assert [path.name for path in tmp_path.iterdir()] == ["few.csv"]


def test_serving_needs_no_torch() -> None:
    code = (
        "import sys, model.dispatcher, serve.app; "
        "print([name for name in ('torch', 'transformers', 'datasets', 'sklearn') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def _policy(*arguments: object) -> str:
    result = CliRunner().invoke(policy_commands, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_simulated_policy_counts_what_goes_out(trained: Path, tmp_path: Path) -> None:
    past = _write(tmp_path / "past.csv", _invent(600, seed=5))
    document = orjson.loads(
        _policy("simulate", past, "--artifact", trained, "--precision", 0.8, "--confidence", 0.8, "--json")
    )
    everything, *rest = document["counts"]
    assert everything["tickets"] == 300  # the later half
    assert 0 < everything["auto"] <= 300
    assert everything["wrong"] <= 0.2 * everything["auto"]
    for word in ("answer", "place", "department"):
        parts = [count for count in rest if count["slice"] == word]
        assert sum(count["tickets"] for count in parts) == 300
        assert sum(count["auto"] for count in parts) == everything["auto"]


def test_a_fitted_policy_goes_into_a_copy_of_the_model(trained: Path, tmp_path: Path) -> None:
    past = _write(tmp_path / "past.csv", _invent(300, seed=6))
    _policy("fit", past, "--artifact", trained, "--output", tmp_path / "copy", "--precision", 0.8)
    before, after = artifact.read_manifest(trained), artifact.open_artifact(tmp_path / "copy")
    assert after.model_version == before.model_version
    assert after.policy_version != before.policy_version
    assert after.data["policy"]["precision"] == 0.8
    assert Dispatcher.load(tmp_path / "copy", threads=1).policy.promised_precision == 0.8
    assert after.policy_version in _policy("show", "--artifact", tmp_path / "copy")


def _applied(
    trained: Path, output: Path, *changed: Department, families: Sequence[Family] = ()
) -> Dispatcher:
    """Return a dispatcher of the trained artifact with units changed or added."""
    old = _catalog()
    units = dict(old.departments) | {unit.code: unit for unit in changed}
    catalog = Catalog.from_entries(
        city=old.city,
        gazetteer=old.gazetteer,
        departments=units.values(),
        families=[*old.families.values(), *families],
        issue_categories=old.issue_categories.values(),
        rules=old.rules,
    )
    apply_catalog(trained, catalog, output)
    return Dispatcher.load(output, threads=1)


def _by_unit(dispatcher: Dispatcher, tickets: list[Ticket]) -> dict[str, list[float]]:
    scores = dispatcher.scores(tickets)
    return {code: scores[:, i].tolist() for i, code in enumerate(dispatcher.experts.head.layout.units)}


def _raw(dispatcher: Dispatcher, ticket: Ticket, unit: str) -> list[float]:
    inputs = [model_input(ticket)]
    column = dispatcher.experts.head.layout.units.index(unit)
    return [
        float(logits[0, column])
        for logits in dispatcher.experts.logits(inputs, dispatcher.experts.read_places(inputs))
    ]


def test_the_same_catalog_leaves_every_byte(trained: Path, tmp_path: Path) -> None:
    _applied(trained, tmp_path / "copy")
    assert artifact.read_manifest(tmp_path / "copy").files == artifact.read_manifest(trained).files


def test_a_new_unit_of_a_known_family_is_reachable(
    trained: Path, dispatcher: Dispatcher, tmp_path: Path
) -> None:
    unit = Department("水务-d2", "西河区水务局", DepartmentKind.DISTRICT_BUREAU, "水务", "d2")
    applied = _applied(trained, tmp_path / "copy", unit)
    ticket = Ticket(
        "1", "市民来电反映，西河区花园小区3号自来水停供两天，请核实。", created_at=datetime(2026, 3, 1)
    )
    (decision,) = applied.score([ticket])
    assert "水务-d2" in {candidate.department.code for candidate in decision.candidates}
    for code in dispatcher.experts.head.layout.units:
        assert _raw(applied, ticket, code) == pytest.approx(_raw(dispatcher, ticket, code), abs=1e-5)


def test_a_renamed_unit_keeps_its_tickets(
    trained: Path, dispatcher: Dispatcher, new_tickets: list[Ticket], tmp_path: Path
) -> None:
    day = date(2025, 6, 1)
    old = _catalog().departments["公交-c"]
    heir = replace(old, code="公交-n", name="山海市公交新集团", predecessors=("公交-c",), effective_from=day)
    applied = _applied(trained, tmp_path / "copy", replace(old, effective_to=day), heir)
    before, after = _by_unit(dispatcher, new_tickets), _by_unit(applied, new_tickets)
    assert after.pop("公交-c") == [0.0] * NEW_TICKETS
    assert after.pop("公交-n") == pytest.approx(before.pop("公交-c"), abs=1e-5)
    for code, scores in before.items():
        assert after[code] == pytest.approx(scores, abs=1e-5)


def test_a_retired_unit_gets_no_tickets_from_its_day_on(trained: Path, tmp_path: Path) -> None:
    old = _catalog().departments["公交-c"]
    applied = _applied(trained, tmp_path / "copy", replace(old, effective_to=date(2026, 2, 1)))
    text = "市民来电反映，东湖区人民路8号公交车等了很久不来，请核实。"
    before, after = applied.score(
        [
            Ticket("1", text, created_at=datetime(2026, 1, 31)),
            Ticket("2", text, created_at=datetime(2026, 2, 1)),
        ]
    )
    assert before.candidates[0].department.code == "公交-c"
    assert "公交-c" not in {candidate.department.code for candidate in after.candidates}


def test_a_merged_unit_gets_the_tickets_of_both(
    trained: Path, dispatcher: Dispatcher, new_tickets: list[Ticket], tmp_path: Path
) -> None:
    day = date(2025, 6, 1)
    first, second = (_catalog().departments[code] for code in ("公交-c", "水务-c"))
    heir = replace(
        first,
        code="公用-c",
        name="山海市公用集团",
        predecessors=(first.code, second.code),
        effective_from=day,
    )
    ended = [replace(unit, effective_to=day) for unit in (first, second)]
    after = _by_unit(_applied(trained, tmp_path / "copy", *ended, heir), new_tickets)
    before = dispatcher.scores(new_tickets).argmax(axis=1)
    units = dispatcher.experts.head.layout.units
    for row, column in enumerate(before):
        if units[column] in {"公交-c", "水务-c"}:
            assert after["公用-c"][row] == max(scores[row] for scores in after.values())


def test_a_new_family_is_scored_by_its_duty_text(trained: Path, tmp_path: Path) -> None:
    unit = Department("养老-c", "山海市养老中心", DepartmentKind.CITY_DEPARTMENT, "养老", "c")
    applied = _applied(trained, tmp_path / "copy", unit, families=[Family("养老", "老人养老保险的咨询")])
    day = datetime(2026, 3, 1)
    tickets = [
        Ticket("1", "老人养老保险的咨询", created_at=day),
        Ticket("2", "公交车等了很久不来", created_at=day),
    ]
    row = applied.experts.head.layout.units.index("养老-c")
    duty, other = applied.scores(tickets)[:, row]
    assert duty > other > 0


def test_a_family_of_few_texts_teaches_a_new_unit_less_than_its_duty_text(
    trained: Path, dispatcher: Dispatcher, tmp_path: Path
) -> None:
    few = tmp_path / "few"
    with artifact.changed_copy(trained, few) as folder:
        lexical = LexicalExpert.load(folder / artifact.LEXICAL)
        lexical.texts[dispatcher.experts.head.layout.units.index("水务-c")] = 5
        lexical.save(folder / artifact.LEXICAL)
    unit = Department("水务-d2", "西河区水务局", DepartmentKind.DISTRICT_BUREAU, "水务", "d2")
    by_sister, by_duty = (
        _applied(source, tmp_path / f"{source.name}-applied", unit) for source in (trained, few)
    )
    units = by_duty.experts.head.layout.units
    assert units.index(unit.code) in by_duty.experts.lexical.duty_words.units
    assert units.index(unit.code) not in by_sister.experts.lexical.duty_words.units
    ticket = Ticket("1", "西河区花园小区自来水停供两天", created_at=datetime(2026, 3, 1))
    encoder, _ = _raw(by_duty, ticket, unit.code)
    assert encoder != pytest.approx(_raw(by_sister, ticket, unit.code)[0], abs=0.1)
    for code in dispatcher.experts.head.layout.units:
        assert _raw(by_duty, ticket, code) == pytest.approx(_raw(dispatcher, ticket, code), abs=1e-5)


def _guided(trained: Path, output: Path, *scenarios: Scenario) -> Dispatcher:
    apply_catalog(trained, replace(_catalog(), scenarios=scenarios), output)
    return Dispatcher.load(output, threads=1)


BUS = Ticket(
    "1", "市民来电反映，东湖区人民路3号公交车等了很久不来，请尽快处理。", created_at=datetime(2026, 3, 1)
)


def test_a_scenario_puts_the_unit_that_the_city_named_first(
    trained: Path, dispatcher: Dispatcher, tmp_path: Path
) -> None:
    bus = Scenario("公交候车", ("公交车",), lead="城管", assisting=("住建",), guidance="由城管牵头")
    assert dispatcher.score([BUS])[0].candidates[0].department.code == "公交-c"
    decision = _guided(trained, tmp_path / "copy", bus).score([BUS])[0]
    first, second = decision.candidates[:2]
    assert (first.department.code, second.department.code) == ("城管-d1", "公交-c")
    assert (first.reasons[0].kind, first.reasons[0].text) == (ReasonKind.RULE, "公交候车：由城管牵头")
    assert [BUS.text[span.start : span.end] for span in first.reasons[0].spans] == ["公交车"]
    assert first.score == pytest.approx(dispatcher.scores([BUS])[0][0], abs=1e-3)
    assert (decision.level, decision.mode) == (Level.PRESELECT, DispatchMode.DUAL)
    assert [c.department.code for c in decision.candidates if c.role is Role.ASSISTING] == ["住建-d1"]


def test_a_scenario_that_says_what_the_model_says_leaves_its_level(
    trained: Path, dispatcher: Dispatcher, tmp_path: Path
) -> None:
    decision = _guided(trained, tmp_path / "copy", Scenario("公交", ("公交车",), lead="公交")).score([BUS])[0]
    assert decision.level is dispatcher.score([BUS])[0].level
    assert decision.candidates[0].department.code == "公交-c"


def test_a_scenario_without_a_lead_is_settled_between_units(trained: Path, tmp_path: Path) -> None:
    guided = _guided(trained, tmp_path / "copy", Scenario("推诿", ("公交车",)))
    assert guided.score([BUS])[0].level is Level.CONSULT


def test_the_fallback_knows_scenarios_too(trained: Path, tmp_path: Path) -> None:
    guided = _guided(trained, tmp_path / "copy", Scenario("公交", ("公交车",), lead="公交"))
    decision = guided.fallback(BUS)
    assert decision.degraded
    assert decision.candidates[0].department.code == "公交-c"


def test_a_ticket_with_several_demands_is_taken_apart(dispatcher: Dispatcher) -> None:
    text = "市民反映西河区和平街：1、占道经营的摊贩很多影响通行。2、自来水停供两天没有人管。"
    decision = dispatcher.score([Ticket("1", text, created_at=datetime(2026, 3, 1)), BUS])[0]
    assert Flag.MULTIPLE_DEMANDS in decision.flags
    assert [text[d.span.start : d.span.end] for d in decision.demands] == [text[11:27], text[27:]]
    assert [d.candidates[0].department.code for d in decision.demands] == ["城管-d2", "水务-c"]
    assert dispatcher.assess([Ticket("1", text)])[1].tolist() == [True]  # one unit would settle half of it


def test_most_tickets_have_no_demands_to_take_apart(decisions: list[Decision]) -> None:
    assert not any(decision.demands for decision in decisions)


def test_a_preview_counts_what_moves_and_keeps_nothing(trained: Path, tmp_path: Path) -> None:
    old = _catalog()
    ended = replace(old.departments["公交-c"], effective_to=date(2020, 6, 1))
    catalog = replace(old, departments=dict(old.departments) | {ended.code: ended})
    save_catalog(catalog, tmp_path / "catalog")
    past = _invent(40, seed=7)
    tickets = _write(tmp_path / "tickets.csv", past)
    result = CliRunner().invoke(
        catalog_commands,
        ["apply", str(tmp_path / "catalog"), "--artifact", str(trained), "--preview", str(tickets)],
    )
    assert result.exit_code == 0, result.output
    assert "of 40 tickets would go to another unit" in result.stdout
    assert "公交-c 山海市公交集团 -> " in result.stdout
    assert past[0].text[:12] not in result.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["catalog", "tickets.csv"]
