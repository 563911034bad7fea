"""What the API's words and errors are called on the pages, in Chinese."""

from __future__ import annotations

from data.catalog.entries import DepartmentKind, DispatchMode
from model.decision import Flag, Level, PlaceStatus, ReasonKind, Role
from serve.errors import BodyTooLarge, Fault, InvalidRequest, Problem, QueueFull

LEVELS = {
    Level.AUTO: ("自动派单", "把握很大，可直接派出"),
    Level.PRESELECT: ("一键确认", "把握较大，请确认首选单位"),
    Level.SUGGEST: ("人工选择", "把握不足，请从候选单位中选择"),
    Level.CONSULT: ("会商", "没有合适的单位，或由多家共担，请会商"),
}

MODES = {DispatchMode.DIRECT: "直派", DispatchMode.DUAL: "双派"}

ROLES = {Role.LEAD: "主办", Role.ASSISTING: "协办"}

KINDS = {
    DepartmentKind.CITY_DEPARTMENT: "市级部门",
    DepartmentKind.DISTRICT_BUREAU: "区级部门",
    DepartmentKind.SUBDISTRICT_OFFICE: "街道乡镇",
    DepartmentKind.PUBLIC_SERVICE_COMPANY: "公共服务企业",
    DepartmentKind.PLATFORM_COMPANY: "平台企业",
}

REASONS = {
    ReasonKind.WORDS: "用词",
    ReasonKind.DUTY: "职责",
    ReasonKind.PLACE: "地点",
    ReasonKind.RULE: "规则",
}

PLACES = {PlaceStatus.RESOLVED: "已确定", PlaceStatus.AMBIGUOUS: "有歧义", PlaceStatus.MISSING: "未提及"}

FLAGS = {
    Flag.DANGER: "可能危及生命或财产安全，请同时转 110 / 119 / 120",
    Flag.URGENT: "紧急，请优先处理",
    Flag.OUT_OF_SCOPE: "可能不属于热线受理范围（涉法涉诉、信访或外地事项）",
    Flag.MULTIPLE_DEMANDS: "一单多诉：包含不止一项诉求，建议拆分",
    Flag.TEXT_TRUNCATED: "内容较长，模型只读了开头部分",
}

DEGRADED = "模型未能按时答复，以下结果只依据派单目录的规则，请人工核对"

_FIELDS = {
    "/ticket_id": "编号",
    "/text": "工单内容",
    "/title": "标题",
    "/address": "发生地址",
    "/district": "所属区",
}

_FAULTS = {
    "missing": "请填写",
    "no_readable_text": "没有可读的文字",
    "too_long": "太长",
    "string_too_long": "太长",
}


def faults_in_chinese(problem: Problem) -> list[str]:
    """Return what went wrong, a line each, for an operator to read."""
    if isinstance(problem, InvalidRequest):
        return [_fault(fault) for fault in problem.faults]
    if isinstance(problem, QueueFull):
        return [f"等候的工单太多，请 {problem.retry_after} 秒后再试"]
    if isinstance(problem, BodyTooLarge):
        return ["工单内容太长"]
    return ["服务暂时无法答复，请稍后再试"]


def _fault(fault: Fault) -> str:
    return f"{_FIELDS.get(fault.pointer, '请求')}：{_FAULTS.get(fault.code, '无法识别')}"
