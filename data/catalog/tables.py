"""The tables a catalog is written as: which fields, of which type, under which key, file, sheet and header.

YAML folder, workbook, check and diff all follow this one description.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from types import MappingProxyType

from data.catalog.entries import (
    Department,
    DepartmentKind,
    DispatchMode,
    Family,
    IssueCategory,
    Rule,
    Scenario,
)
from data.gazetteer.jurisdiction import Jurisdiction, JurisdictionLevel

Entry = Family | Department | IssueCategory | Rule | Scenario | Jurisdiction


class FieldType(Enum):
    """How the text of a cell is read."""

    TEXT = auto()
    LIST = auto()
    DATE = auto()
    HOURS = auto()
    CHOICE = auto()


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an entry; `header` is its name in the workbook, `width` its column's, in characters."""

    name: str
    header: str
    kind: FieldType = FieldType.TEXT
    required: bool = False
    choices: type[StrEnum] | None = None
    width: int = 20


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of entry; `file` is its file in the folder, `sheet` its sheet in the workbook.

    One that is `optional` is empty where file or sheet are missing.
    """

    file: str
    sheet: str
    entry: type[Entry]
    fields: tuple[Field, ...]
    optional: bool = False

    def field(self, name: str) -> Field | None:
        """Return a field by its name, if there is one."""
        return next((field for field in self.fields if field.name == name), None)


CHOICE_LABELS: Mapping[str, str] = MappingProxyType(
    {
        DepartmentKind.CITY_DEPARTMENT.value: "市级部门",
        DepartmentKind.DISTRICT_BUREAU.value: "区县部门",
        DepartmentKind.SUBDISTRICT_OFFICE.value: "街道乡镇",
        DepartmentKind.PUBLIC_SERVICE_COMPANY.value: "公共服务企业",
        DepartmentKind.PLATFORM_COMPANY.value: "平台企业",
        JurisdictionLevel.CITY.value: "市",
        JurisdictionLevel.DISTRICT.value: "区县",
        JurisdictionLevel.SUBDISTRICT.value: "街道乡镇",
        JurisdictionLevel.COMMUNITY.value: "社区村",
        DispatchMode.DIRECT.value: "直派",
        DispatchMode.DUAL.value: "双派",
    }
)
"""What the workbook shows for the value of a choice. Labels are unique within one field."""

_ALIASES = Field("aliases", "别名", FieldType.LIST, width=30)
_DUTY = Field("duty", "职责描述", width=60)

FAMILIES = Table(
    "families.yaml", "家族", Family, (Field("name", "家族名称", required=True, width=30), _DUTY, _ALIASES)
)
DEPARTMENTS = Table(
    "departments.yaml",
    "承办单位",
    Department,
    (
        Field("code", "单位代码", required=True, width=28),
        Field("name", "单位名称", required=True, width=34),
        Field("kind", "单位类型", FieldType.CHOICE, required=True, choices=DepartmentKind, width=14),
        Field("family", "家族", required=True),
        Field("jurisdiction", "管辖代码", required=True, width=14),
        _ALIASES,
        _DUTY,
        Field("predecessors", "前身单位代码", FieldType.LIST, width=24),
        Field("effective_from", "生效日期", FieldType.DATE, width=12),
        Field("effective_to", "失效日期", FieldType.DATE, width=12),
    ),
)
ISSUE_CATEGORIES = Table(
    "issue_categories.yaml",
    "事项",
    IssueCategory,
    (
        Field("code", "事项代码", required=True, width=12),
        Field("name", "事项名称", required=True, width=30),
        Field("parent", "上级代码", width=12),
        Field("keywords", "关键词", FieldType.LIST, width=40),
        _DUTY,
    ),
)
RULES = Table(
    "rules.yaml",
    "规则",
    Rule,
    (
        Field("category", "事项代码", required=True, width=12),
        Field("level", "管辖层级", FieldType.CHOICE, required=True, choices=JurisdictionLevel, width=12),
        Field("lead", "主办家族", required=True),
        Field("assisting", "协办家族", FieldType.LIST, width=30),
        Field("mode", "派单方式", FieldType.CHOICE, choices=DispatchMode, width=10),
        Field("time_limit_hours", "时限（工作小时）", FieldType.HOURS, width=16),
    ),
)
SCENARIOS = Table(
    "scenarios.yaml",
    "场景",
    Scenario,
    (
        Field("name", "场景名称", required=True, width=24),
        Field("says", "出现任一词语", FieldType.LIST, required=True, width=40),
        Field("also", "并且出现任一词语", FieldType.LIST, width=40),
        Field("unless", "不出现的词语", FieldType.LIST, width=30),
        Field("jurisdiction", "限于管辖代码", width=16),
        Field("lead", "主办家族"),
        Field("assisting", "协办家族", FieldType.LIST, width=30),
        Field("guidance", "指引", width=60),
    ),
    optional=True,
)
JURISDICTIONS = Table(
    "gazetteer/jurisdictions.csv",
    "管辖",
    Jurisdiction,
    (
        Field("code", "管辖代码", required=True, width=16),
        Field("name", "名称", required=True, width=24),
        Field("level", "层级", FieldType.CHOICE, required=True, choices=JurisdictionLevel, width=12),
        Field("parent", "上级代码", width=16),
        _ALIASES,
    ),
)

CATALOG_FILE = "catalog.yaml"
HEAD_SHEET = "目录"
HEAD_FIELDS = (
    Field("city", "城市", required=True),
    Field("version", "版本"),
    Field("description", "说明"),
)
"""What `catalog.yaml` holds."""

WORKBOOK_HEAD_FIELDS = (*HEAD_FIELDS, Field("source", "地名来源"), Field("gazetteer_version", "地名版本"))
HEAD_COLUMNS = ("项目", "内容", "填写说明")
"""The workbook's first sheet: an item a row; it speaks of the gazetteer too."""

YAML_TABLES = (FAMILIES, DEPARTMENTS, ISSUE_CATEGORIES, RULES, SCENARIOS)
