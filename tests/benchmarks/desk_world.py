"""A city of 5,000 units, a long queue, and people to work it off: what `make bench-desk` measures on."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import insert, text

from data.catalog.catalog import Catalog
from data.catalog.entries import Department, DepartmentKind, Family
from data.gazetteer.gazetteer import Gazetteer
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel
from data.tickets.ticket import Ticket
from model.decision import Decision, Versions
from serve.store.base import now
from serve.store.decisions import StoredDecision
from serve.store.engine import Store
from serve.store.people import User, UserSession
from serve.store.reviews import ReviewItem

SEED = 5
UNITS = 5000
DISTRICTS = ("朝阳区", "东湖区", "西山区", "南浦区", "北关区", "金沙区", "白塔区", "青云区")
FAMILIES = {
    "城管局": "占道经营、违法建设、露天烧烤、户外广告的查处",
    "水务局": "供水、排水、河道管理和防汛",
    "交通局": "公交、出租、道路运输和停车管理",
    "住建局": "房屋质量、物业管理和供热燃气",
    "环保局": "噪声、油烟、扬尘和水污染的查处",
    "街镇": "辖区内的综合治理、社区服务和矛盾调解",
}
_PIECES = (
    "市民来电反映小区门前每天晚上有摊贩占道经营，影响居民出行，",
    "楼下餐馆的油烟直排到居民窗口，多次沟通没有结果，",
    "路口的井盖松动，车辆经过时响声很大，夜里无法休息，",
    "公交车早高峰等了四十分钟才来一班，车厢十分拥挤，",
    "地下室积水已经三天，物业说要等街道安排，",
    "工地夜间施工到凌晨两点，噪音扰民，",
    "顶楼有人私自搭建阳光房，担心漏水和安全，",
    "自来水从昨天下午起一直发黄，有异味，",
)
_LEVELS = ("suggest", "suggest", "suggest", "preselect", "preselect", "consult", "auto")
_CHANNELS = ("电话", "微信", "网站", "APP")
_AT_A_TIME = 1000


def make_catalog() -> Catalog:
    """Return a city of eight districts and as many streets as give 5,000 units."""
    streets = UNITS - len(DISTRICTS) * (len(FAMILIES) - 1)
    bureaus = [family for family in FAMILIES if family != "街镇"]
    areas = [Jurisdiction("c", "山海市", JurisdictionLevel.CITY)]
    areas += [
        Jurisdiction(f"d{i}", name, JurisdictionLevel.DISTRICT, "c") for i, name in enumerate(DISTRICTS)
    ]
    areas += [
        Jurisdiction(f"s{i}", f"第{i}街道", JurisdictionLevel.SUBDISTRICT, f"d{i % len(DISTRICTS)}")
        for i in range(streets)
    ]
    units = [
        Department(f"d{i}-{j}", f"{name}{family}", DepartmentKind.DISTRICT_BUREAU, family, f"d{i}")
        for i, name in enumerate(DISTRICTS)
        for j, family in enumerate(bureaus)
    ]
    units += [
        Department(f"o{i}", f"第{i}街道办事处", DepartmentKind.SUBDISTRICT_OFFICE, "街镇", f"s{i}")
        for i in range(streets)
    ]
    families = [Family(name, duty) for name, duty in FAMILIES.items()]
    return Catalog.from_entries(
        city="山海市", gazetteer=Gazetteer.from_records(areas), families=families, departments=units
    )


class CatalogHolder:
    """Stands where the model stands: tickets are in the store already, nothing is scored."""

    versions = Versions("benchmark", "benchmark", "benchmark")

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    def score(self, tickets: Sequence[Ticket], *, top_k: int = 3) -> list[Decision]:
        """Answer nothing."""
        return []


def fill(store: Store, catalog: Catalog, tickets: int, on_done: Callable[[int], None]) -> None:
    """Put so many answered tickets, all waiting for a person, into empty tables."""
    dice = random.Random(SEED)
    units = list(catalog.departments.values())
    for start in range(1, tickets + 1, _AT_A_TIME):
        numbers = range(start, min(start + _AT_A_TIME, tickets + 1))
        decisions = [_decision(number, dice, catalog, units) for number in numbers]
        with store.transaction() as session:
            session.execute(insert(StoredDecision), decisions)
            session.execute(insert(ReviewItem), [_item(row, dice) for row in decisions])
        on_done(len(decisions))
    if (
        store.is_postgresql
    ):  # ids were given, so the sequences do not know of them; statistics as autovacuum keeps
        with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for table in ("decisions", "review_items"):
                connection.execute(
                    text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {tickets + 1})")
                )
            connection.execute(text("VACUUM ANALYZE"))


def add_people(store: Store, count: int) -> list[str]:
    """Make so many operators who are signed in; return the cookies' tokens."""
    tokens = [uuid4().hex for _ in range(count)]
    with store.transaction() as session:
        for number, token in enumerate(tokens, 1):
            user = User(
                name=f"operator{number}-{token[:6]}", display_name=f"操作员{number}", role="operator",
                password_hash="-", failed_attempts=0, created_at=now(),
            )  # fmt: skip
            session.add(user)
            session.flush()
            held = UserSession(
                user_id=user.id, token_sha256=hashlib.sha256(token.encode()).hexdigest(), csrf_token=token,
                created_at=now(), last_seen_at=now(), expires_at=now() + timedelta(hours=9),
            )  # fmt: skip
            session.add(held)
    return tokens


def _decision(number: int, dice: random.Random, catalog: Catalog, units: list[Department]) -> dict[str, Any]:
    words = f"{dice.choice(DISTRICTS)}第{number}号来电。" + "".join(dice.sample(_PIECES, 3)) + "请尽快处理。"
    chosen = dice.sample(units, 5)
    score = dice.random()
    place = chosen[0].jurisdiction
    path = [area.name for area in catalog.gazetteer.path(place)]
    span = {"start": 0, "end": 3, "text": words[:3]}
    candidates = [
        {
            "department": {"code": unit.code, "name": unit.name, "kind": unit.kind.value},
            "role": "lead",
            "jurisdiction": {"code": place, "name": path[-1], "path": path},
            "score": score / rank,
            "reasons": [{"kind": "words", "text": "“占道经营”“摊贩”", "spans": [span]}] if rank < 3 else [],
        }
        for rank, unit in enumerate(chosen, 1)
    ]
    answer = {
        "ticket_id": f"B{number:06d}",
        "candidates": candidates,
        "jurisdiction": {
            "status": "resolved", "code": place, "path": path, "score": 0.9, "options": [], "evidence": [span],
        },
        "issue_category": {"code": "k1", "name": "占道经营", "score": 0.8, "time_limit_hours": 40},
    }  # fmt: skip
    return {
        "id": number, "ticket_id": f"B{number:06d}", "revision": 1,
        "input_sha256": hashlib.sha256(words.encode()).hexdigest(), "text": words, "title": None, "address": None,
        "channel": dice.choice(_CHANNELS), "created_at": now() - timedelta(minutes=dice.randint(0, 3000)),
        "answered_at": now(), "level": dice.choice(_LEVELS), "mode": "direct", "unit": chosen[0].code,
        "family": chosen[0].family, "score": score, "issue_category": "k1", "jurisdiction": place,
        "district_code": catalog.gazetteer.district_of(place).code, "place_status": "resolved", "flags": [],
        "time_limit_hours": 40, "degraded": False, "audited": False, "model_version": "benchmark",
        "catalog_version": "benchmark", "policy_version": "benchmark", "answer": answer,
    }  # fmt: skip


def _item(row: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    return {
        "id": row["id"], "decision_id": row["id"], "kind": "first", "status": "waiting",
        "created_at": row["answered_at"], "due_at": row["created_at"] + timedelta(hours=1),
        "risk": dice.choice((0, 0, 0, 0, 1, 2)), "score": row["score"], "level": row["level"],
        "family": row["family"], "district_code": row["district_code"], "channel": row["channel"],
        "skipped_by": [],
    }  # fmt: skip
