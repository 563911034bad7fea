"""What can go wrong at the desk, in a real browser: nothing is lost, and the person is told in plain Chinese."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import delete, select, update

from data.catalog.catalog import Catalog
from serve.store.base import now
from serve.store.people import User, UserSession
from serve.store.reviews import ReviewItem

pytestmark = pytest.mark.browser
on_one = pytest.mark.parametrize("shared_store", ["sqlite"], indirect=True)  # the database takes no part

HTML = "<b>粗</b><script>alert(1)</script><img src=x onerror=alert(2)>"


def sign_out_everywhere(desk) -> User:
    """End all sessions, as if they had expired, and return the operator."""
    with desk.store.transaction() as session:
        session.execute(delete(UserSession))
        return session.scalars(select(User)).one()


def give_to(desk, name: str) -> None:
    """Let somebody else hold every ticket that is held."""
    desk.cookie(name)
    with desk.store.transaction() as session:
        other = session.scalars(select(User).where(User.name == name)).one()
        session.execute(
            update(ReviewItem)
            .where(ReviewItem.leased_by.is_not(None))
            .values(leased_by=other.id, lease_expires_at=now() + timedelta(minutes=5))
        )


def retire(desk, code: str, heir: str) -> None:
    """Let a unit take no tickets from today on, and another one take over."""
    catalog: Catalog = desk.scorer.catalog
    units = dict(catalog.departments)
    units[code] = replace(units[code], effective_to=date.today())
    units[heir] = replace(units[heir], predecessors=(code,), effective_from=date.today())
    desk.scorer.catalog = Catalog.from_entries(
        city=catalog.city,
        gazetteer=catalog.gazetteer,
        families=list(catalog.families.values()),
        departments=list(units.values()),
    )


@on_one
def test_a_double_click_settles_one(desk, page: Page, shows):
    page.locator(".candidate").first.dblclick()
    shows(page, "T2")
    assert len(desk.rulings()) == 1


def test_key_pressed_twice_settles_one(desk, page: Page, shows):
    page.evaluate("() => { for (let i = 0; i < 4; i++) document.querySelector('.candidate').click() }")
    shows(page, "T2")
    assert len(desk.rulings()) == 1


def test_two_tabs_settle_a_ticket_once(desk, context, page: Page, shows):
    other = desk.open(context)
    shows(other, "T1")
    page.keyboard.press("1")
    shows(page, "T2")
    other.keyboard.press("2")
    expect(other.locator("#told")).to_contain_text("已在别处办结")
    other.get_by_role("button", name="下一件").click()
    shows(other, "T2")
    assert len(desk.rulings()) == 1


@on_one
def test_a_lease_is_renewed_while_the_page_is_open_and_its_loss_is_told(desk, page: Page):
    page.clock.install()
    page.reload()
    with desk.store.transaction() as session:
        soon = now() + timedelta(seconds=20)
        session.execute(
            update(ReviewItem).where(ReviewItem.leased_by.is_not(None)).values(lease_expires_at=soon)
        )
    with page.expect_response(lambda answer: answer.url.endswith("/renew")):
        page.clock.run_for(101_000)
    with desk.store.transaction() as session:
        held = session.scalars(select(ReviewItem).where(ReviewItem.leased_by.is_not(None))).one()
        assert held.lease_expires_at > now() + timedelta(seconds=200)
    give_to(desk, "two")
    page.clock.run_for(101_000)
    expect(page.locator("#told")).to_contain_text("现由人员two处理")


def test_a_lost_lease_is_told(desk, page: Page, shows):
    give_to(desk, "two")
    page.keyboard.press("1")
    expect(page.locator("#told")).to_contain_text("现由人员two处理")
    assert desk.rulings() == []
    page.keyboard.press("Enter")  # the way on is focused
    shows(page, "T2")


def test_a_ticket_that_another_person_settled_is_told(desk, context, page: Page, shows):
    page.keyboard.press("1")
    shows(page, "T2")
    with desk.store.transaction() as session:
        session.execute(update(ReviewItem).where(ReviewItem.leased_by.is_not(None)).values(status="settled"))
    page.keyboard.press("2")
    expect(page.locator("#told")).to_contain_text("已在别处办结，您的选择没有提交")
    page.keyboard.press("Enter")
    shows(page, "T3")
    assert len(desk.rulings()) == 1


@on_one
def test_a_unit_that_was_retired_meanwhile_is_told_with_its_heir(desk, page: Page, shows):
    page.keyboard.press("/")
    page.keyboard.type("dhqsw")
    expect(page.locator("#picker-list li").first).to_contain_text("东湖区水务局")
    retire(desk, "sw1", "sw2")
    page.keyboard.press("Enter")
    expect(page.locator("#told")).to_contain_text(
        "东湖区水务局已停用或不在派单目录中，已由西山区水务局承接，请改选。"
    )
    assert desk.rulings() == []
    page.keyboard.press("/")  # the catalog is loaded anew: the unit is gone
    page.keyboard.type("dhqsw")
    expect(page.locator("#picker-count")).to_have_text("没有找到")
    page.locator("#picker-input").fill("xsqsw")
    expect(page.locator("#picker-list li").first).to_contain_text("西山区水务局")
    page.keyboard.press("Enter")
    shows(page, "T2")
    assert [ruling.unit for ruling in desk.rulings()] == ["sw2"]


def test_an_expired_session_keeps_the_decision_until_after_login(desk, context, page: Page, shows):
    user = sign_out_everywhere(desk)
    page.keyboard.press("1")
    page.wait_for_url("**/login?next=*")
    assert desk.rulings() == []
    context.add_cookies([desk.cookie_for(user)])
    page.goto(f"{desk.url}/review")
    shows(page, "T2")
    expect(page.locator("#told")).to_contain_text("已经提交")
    assert [ruling.unit for ruling in desk.rulings()] == ["cg0"]


@on_one
def test_what_one_person_left_unsent_is_not_sent_by_the_next(desk, context, page: Page, shows):
    sign_out_everywhere(desk)
    page.keyboard.press("1")
    page.wait_for_url("**/login?next=*")
    context.add_cookies([desk.cookie("two")])
    page.goto(f"{desk.url}/review")
    shows(page, "T2")  # the first still holds T1
    assert desk.rulings() == []


@on_one
def test_an_expired_session_keeps_what_was_typed_into_a_consultation(consulted, desk, context, page: Page):
    page.get_by_label("东湖区水务局的答复").fill("请看附图")
    user = sign_out_everywhere(desk)
    page.get_by_role("button", name="不属于").click()
    page.wait_for_url("**/login?next=*")
    context.add_cookies([desk.cookie_for(user)])
    page.goto(f"{desk.url}/review/consult")
    expect(page.locator("#told")).to_contain_text("已经提交")
    expect(page.get_by_label("东湖区水务局的答复")).to_have_value("请看附图")


def test_a_lost_network_is_told_and_retried(desk, context, page: Page, shows):
    context.set_offline(True)
    page.keyboard.press("1")
    expect(page.locator("#told")).to_contain_text("网络断开")
    context.set_offline(False)
    shows(page, "T2")
    expect(page.locator("#told")).to_be_hidden()
    assert len(desk.rulings()) == 1


@on_one
def test_a_network_that_is_gone_for_a_minute_loses_nothing(desk, context, page: Page, shows):
    page.clock.install()
    page.reload()
    page.keyboard.press("n")
    page.keyboard.type("已电话核实")
    page.keyboard.press("Control+Enter")
    page.clock.run_for(1000)
    context.set_offline(True)
    page.keyboard.press("2")
    for _ in range(6):
        page.clock.run_for(10_000)
        expect(page.locator("#told")).to_contain_text("网络断开，正在重试，您的选择已保留")
    page.keyboard.press("1")  # it is being sent: another choice would be a second one
    context.set_offline(False)
    page.clock.run_for(10_000)
    expect(page.locator('.ticket[data-ticket="T2"]')).to_be_visible()
    assert [(ruling.unit, ruling.note) for ruling in desk.rulings()] == [("sw0", "已电话核实")]


def test_reloading_and_the_back_button_keep_the_ticket(desk, page: Page, shows):
    page.keyboard.press("1")
    shows(page, "T2")
    page.reload()
    shows(page, "T2")
    page.goto(f"{desk.url}/review/consult")
    page.go_back()
    shows(page, "T2")


@on_one
def test_html_in_what_people_write_is_text(desk, page: Page, shows):
    desk.add("HTML", f"{HTML}门前积水", due=1, title=HTML, address=HTML)
    page.keyboard.press("1")
    shows(page, "HTML")
    for part in ("#ticket-title", ".ticket .meta", ".ticket .text"):
        expect(page.locator(part)).to_contain_text(HTML)
    page.keyboard.press("n")
    page.keyboard.type(HTML)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".note-text")).to_have_text(HTML)
    page.keyboard.press("f")
    page.keyboard.type("<b>粗")
    expect(page.locator("#found")).to_contain_text("<b>粗</b>")
    page.keyboard.press("Escape")
    assert page.locator(".ticket :is(b, script, img), #found :is(b, script, img)").count() == 0


@on_one
def test_fifty_thousand_characters_scroll(desk, page: Page, shows):
    desk.add("LONG", "雨" * 50_000, due=1)
    page.keyboard.press("1")
    shows(page, "LONG")
    box = page.locator(".ticket .text")
    assert box.evaluate("e => e.scrollHeight > e.clientHeight")
    expect(page.locator(".candidate").first).to_be_in_viewport()
