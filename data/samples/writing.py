"""Writes a synthetic ticket as an operator would take it down, or as a citizen would type it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from data.catalog.entries import Department, IssueCategory
from data.samples.phrase_bank import CategoryPhrases
from data.samples.places import Place, PlaceKind

MIN_LENGTH, MAX_LENGTH = 15, 300
_KEYWORD_PHRASES = 0.12
_ITEM = re.compile("等[^、，。]*[、，。]|[、，。]")
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Matter:
    """The core of an event that stays when it is told again: who, what and where.

    `body` is its sentence about "其", without opening and closing;
    `lines` are further sentences of the category.
    """

    body: str
    place: Place
    frame: str
    keyword: str
    enquiry: bool
    lines: tuple[str, ...]
    want: tuple[str, ...]
    traps: tuple[str, ...]


class Writer:
    """Puts wording together; draws from the generator's random source."""

    def __init__(self, common: Mapping[str, Any], rng: Random, ambiguous_names: frozenset[str]) -> None:
        """Take the common wording; `ambiguous_names` of the gazetteer never stand alone in a title."""
        self._common = common
        self._rng = rng
        self._ambiguous = ambiguous_names

    def matter(
        self,
        category: IssueCategory,
        phrases: CategoryPhrases,
        place: Place,
        company: Department | None,
        *,
        rivals: frozenset[str] = frozenset(),
        other: str = "",
        road: str = "",
    ) -> Matter:
        """Put an issue category into words at a place.

        `company` is named where it shares its duty with others, whose names are the `rivals`; `other` is a
        second place, `road` one with a misleading name.
        """
        rng = self._rng
        name = self._short_name(company) if company else ""
        names = {company.name, *company.aliases} if company else set()
        # A keyword such as 京东 would contradict a ticket about another company.
        neutral = [word for word in category.keywords if not any(word in n or n in word for n in rivals)]
        keyword = rng.choice(neutral or [category.name])
        enquiry = rng.random() < len(phrases.ask) / max(1, len(phrases.ask) + len(phrases.say))
        options = phrases.ask if enquiry else phrases.say
        if not options or rng.random() < _KEYWORD_PHRASES:
            enquiry, options = False, tuple(self._common["keyword_phrases"])
        say = self._fill(rng.choice(options), keyword=keyword, company=name)
        lines: list[str] = []
        if name and not any(known in say for known in names):
            lines.append(self._fill(rng.choice(self._common["company_lines"]), company=name))
        if not enquiry:
            lines += self._more(category, phrases, name, say)
        body = self._framed(say, phrases.frame, place, enquiry=enquiry, other=other, road=road)
        traps = [place.kind.value] if place.kind in {PlaceKind.MISSING, PlaceKind.ESTATE} else []
        traps += ["two_places"] * bool(other and not enquiry) + ["road_named_after_other_district"] * bool(
            road
        )
        return Matter(body, place, phrases.frame, keyword, enquiry, tuple(lines), phrases.want, tuple(traps))

    def _more(self, category: IssueCategory, phrases: CategoryPhrases, company: str, said: str) -> list[str]:
        """Return up to two further sentences on the same matter."""
        rng = self._rng
        lines = []
        others = [say for say in phrases.say if "{company}" not in say and say[:6] not in said]
        if others and not company and rng.random() < 0.12:
            lines.append(self._fill(f"另外，{rng.choice(others)}。"))
        items = [item for item in _ITEM.split(category.duty.split("，由")[0]) if _is_telling(item)]
        if items and rng.random() < 0.10:
            lines.append(self._fill(rng.choice(self._common["duty_lines"]), item=rng.choice(items)))
        return lines

    def _framed(self, say: str, frame: str, place: Place, *, enquiry: bool, other: str, road: str) -> str:
        if place.kind is PlaceKind.MISSING:
            return say
        where = f"{place.text}{road}路口附近" if road else place.text
        if enquiry:
            frames = self._common["enquiry_frames"]
        else:
            frames = self._common["two_places" if other else "frames"][frame]
        if place.kind is PlaceKind.DISTRICT and not enquiry:
            frames = [text for text in frames if "附近" not in text] or frames
        return self._fill(self._rng.choice(frames), place=where, other=other, say=say)

    def text(self, matter: Matter, moment: datetime, *, online: bool) -> str:
        """Tell a matter once, in 15 to 300 characters; told again, it reads a little differently."""
        rng, common = self._rng, self._common
        kind = "enquiry" if matter.enquiry else "complaint"
        opening = rng.choice(common["online" if online else "openings"][kind])
        style = rng.choices(["short", "medium", "long", "full"], weights=[14, 46, 26, 14])[0]
        if style == "short" and not matter.enquiry:
            opening = ""
        text = f"{opening}{matter.body}。"
        for line in (*matter.lines, *self._extras(matter, moment, style)):
            if len(text) + len(line) <= MAX_LENGTH:
                text += line
        if len(text) < MIN_LENGTH:
            text += rng.choice([line for line in common["closings"][kind] if line]) + "请回复市民。"
        return _in_first_person(text) if online else text

    def _extras(self, matter: Matter, moment: datetime, style: str) -> list[str]:
        """Return what follows the matter: its effect, what was tried before, a number to call, the demand."""
        rng, common = self._rng, self._common
        if style == "short":
            return []
        chance = {"medium": 0.25, "long": 0.75, "full": 1.0}[style]
        extras = []
        if not matter.enquiry:
            if style == "full":
                extras += rng.sample(common["narratives"][matter.frame], rng.randrange(1, 3))
            for key in ("impacts", "histories"):
                fitting = [
                    line for line in common[key][matter.frame] if not self._contradicts(line, matter.body)
                ]
                extras += rng.sample(fitting, 1 + (style == "full" and rng.random() < 0.6)) * (
                    rng.random() < chance
                )
        extras.append(
            rng.choice(matter.want or common["closings"]["enquiry" if matter.enquiry else "complaint"])
        )
        if style in {"long", "full"} and rng.random() < 0.3:
            extras.append(rng.choice(common["contacts"]))
        day = moment - timedelta(days=rng.randrange(2, 25))
        phone = f"{rng.choice((135, 136, 138, 139, 150, 158, 186, 188))}0000****"
        return [self._fill(extra, date=f"{day.month}月{day.day}日", phone=phone) for extra in extras]

    def _contradicts(self, line: str, body: str) -> bool:
        """Tell whether a line would bring in a second duration or sum."""
        slots = self._common["slots"]
        return any(
            f"{{{name}}}" in line and any(v in body for v in slots[name]) for name in ("since", "money")
        )

    def title(self, matter: Matter) -> str:
        """Return a title as short as operators write it."""
        area = matter.place.area if matter.place.kind is not PlaceKind.ESTATE else None
        name = area.name if area and area.name not in self._ambiguous else ""
        return self._fill(self._rng.choice(self._common["titles"]), area=name, keyword=matter.keyword)

    def _short_name(self, company: Department) -> str:
        names = (company.name, *company.aliases)
        return self._rng.choice([name for name in names if len(name) <= 6] or [min(names, key=len)])

    def _fill(self, template: str, **values: str) -> str:
        """Replace each {slot} by its value, or by a draw from the wording's list of that name."""
        slots = self._common["slots"]
        return _SLOT.sub(
            lambda m: values[m[1]] if m[1] in values else self._draw(m[1], slots),
            template,
        )

    def _draw(self, slot: str, slots: Mapping[str, list[str]]) -> str:
        return str(self._rng.randrange(3, 40)) if slot == "n" else self._rng.choice(slots[slot])


def _is_telling(item: str) -> bool:
    """Tell whether a piece of a duty text names something that can happen to a citizen."""
    return 5 <= len(item) <= 14 and not item.startswith(("要求", "向", "由", "请", "咨询", "及", "以及"))


def _in_first_person(text: str) -> str:
    for operators, own in (
        ("其为", "本人为"),
        ("其居住", "我居住"),
        ("其住", "我住"),
        ("其家", "我家"),
        ("其单位", "我单位"),
        ("其在", "我在"),
        ("其刚", "我刚"),
        ("其户", "我户"),
        ("其平时", "我平时"),
    ):
        text = text.replace(operators, own)
    return text
