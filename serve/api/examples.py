"""Invented tickets that show the API in its documentation and warm up the model."""

from __future__ import annotations

from pydantic.config import JsonValue

WARM_UP_TEXTS = (
    "市民来电反映：朝阳区望京街道某小区南门外每晚有烧烤摊占道经营，油烟和噪声影响休息，希望尽快处理。",
    "市民来电反映：小区连续两天停水，物业称不清楚原因，请相关部门核实并告知恢复供水的时间。",
)

TICKET_REQUESTS: list[JsonValue] = [
    {
        "ticket_id": "2026-000001",
        "text": WARM_UP_TEXTS[0],
    },
    {
        "ticket_id": "2026-000002",
        "text": WARM_UP_TEXTS[1],
        "title": "小区停水",
        "channel": "电话",
        "created_at": "2026-05-01T08:30:00+08:00",
        "address": "海淀区学院路某小区",
        "district": "海淀区",
        "location": {"lon": 116.35, "lat": 39.98},
        "top_k": 5,
    },
]

BATCH_REQUEST: JsonValue = {"tickets": TICKET_REQUESTS}

_VERSIONS: JsonValue = {
    "model": "sha256:9c1f4e0b7a52",
    "catalog": "sha256:51d07e3ac894",
    "policy": "sha256:e83b90f2716d",
}

ANSWER: JsonValue = {
    "ticket_id": "2026-000001",
    "level": "auto",
    "mode": "dual",
    "candidates": [
        {
            "department": {
                "code": "bj-chaoyang-chengguan",
                "name": "朝阳区城市管理综合行政执法局",
                "kind": "district_bureau",
            },
            "role": "lead",
            "jurisdiction": {"code": "110105", "name": "朝阳区", "path": ["北京市", "朝阳区"]},
            "score": 0.9731,
            "reasons": [
                {
                    "kind": "words",
                    "text": "“占道经营”常由该单位办理",
                    "spans": [{"start": 26, "end": 30, "text": "占道经营"}],
                }
            ],
        },
        {
            "department": {"code": "bj-wangjing", "name": "望京街道办事处", "kind": "subdistrict_office"},
            "role": "assisting",
            "jurisdiction": {
                "code": "110105026",
                "name": "望京街道",
                "path": ["北京市", "朝阳区", "望京街道"],
            },
            "score": None,
            "reasons": [{"kind": "rule", "text": "派单目录：属地街道协办", "spans": []}],
        },
    ],
    "issue_category": {"code": "CG-0301", "name": "占道经营", "score": 0.9412, "time_limit_hours": 40},
    "jurisdiction": {
        "status": "resolved",
        "code": "110105026",
        "path": ["北京市", "朝阳区", "望京街道"],
        "score": 0.98,
        "evidence": [{"start": 7, "end": 14, "text": "朝阳区望京街道"}],
        "options": [],
    },
    "flags": [],
    "demands": [],
    "answered_by": "model",
    "degraded": False,
    "stored": True,
    "versions": _VERSIONS,
}

FEEDBACK_REQUEST: JsonValue = {
    "event_id": "return-20260501-17",
    "ticket_id": "20260501-0001",
    "kind": "returned",
    "unit": "bj-chaoyang-chengguan",
    "reason": "jurisdiction",
    "happened_at": "2026-05-01T10:15:00+08:00",
}

SIMILAR_REQUEST: JsonValue = {
    "text": "小区门口每天有流动摊贩占道经营，油烟扰民。",
    "ticket_id": "20260501-0002",
}
