// The desk: keys, and what they do. The server renders every ticket; this only sends and swaps.

import { tick } from "./review-clock.js";
import { compose } from "./review-compose.js";
import { choose, codes } from "./review-fields.js";
import { forgetCatalog, loadCatalog, pick } from "./review-picker.js";
import { newRequestId, refusal, say, send, sendPending, signInAgain, tell, token } from "./review-send.js";

const UNREADABLE = 250; // milliseconds in which nobody can have read a ticket: a key pressed twice
const NOTES = "paidan-review-note-";

const desk = document.getElementById("desk");
const dialog = (name) => document.getElementById(name);
const ticket = () => desk.querySelector(".ticket[data-item]");
const address = (path) => `/review/${path}${location.search}`;

let busy = false;
let shownAt = performance.now();
let request = newRequestId();

const note = () => sessionStorage.getItem(NOTES + ticket()?.dataset.item) ?? "";

function showNote() {
  const box = desk.querySelector(".note");
  if (!box) return;
  box.hidden = !note();
  box.querySelector(".note-text").textContent = note();
}

function arrived() {
  shownAt = performance.now();
  request = newRequestId();
  tick();
  showNote();
  desk.querySelector("h2")?.focus({ preventScroll: true });
  scrollTo(0, 0);
}

function show(html) {
  desk.innerHTML = html; // rendered and escaped by the server
  globalThis.htmx?.process(desk); // it asks for the similar tickets
  arrived();
  say(ticket() ? `下一件：${desk.querySelector("h2").textContent}` : "没有待处理的工单");
}

async function refresh() {
  const response = await fetch(address("next"), { redirect: "manual" }).catch(() => null);
  if (response?.status === 401 || response?.type === "opaqueredirect") signInAgain();
  else if (response?.ok) show(await response.text());
  else tell("网络断开或服务没有答复，请稍后按“刷新”。", "alarm");
}

function refused(result) {
  tell(result.message, "alarm");
  if (result.why === "unit-retired") forgetCatalog();
  if (result.why !== "lease-lost" && result.why !== "already-settled") return;
  const next = document.createElement("button");
  next.type = "button";
  next.dataset.act = "refresh";
  next.textContent = "下一件";
  dialog("told").append(" ", next);
  next.focus();
}

async function act(url, body, options) {
  if (busy) return;
  busy = true;
  desk.setAttribute("aria-busy", "true");
  const item = ticket()?.dataset.item;
  try {
    const result = await send(url, body, options);
    if (result.ok) {
      tell("");
      if (url.includes("/settle")) sessionStorage.removeItem(NOTES + item);
      show(result.html);
    } else refused(result);
  } finally {
    busy = false;
    desk.removeAttribute("aria-busy");
  }
}

const onItem = (verb) => address(`items/${ticket().dataset.item}/${verb}`);

function settle(parts, rank = null) {
  const seconds = Math.round(performance.now() - shownAt) / 1000;
  act(onItem("settle"), { request_id: request, parts, note: note() || null, rank, seconds });
}

function onePart(code, first) {
  const at = ticket().dataset;
  const assisting = first ? at.assisting.split(" ").filter((other) => other && other !== code) : [];
  return [{ lead: code, assisting, jurisdiction: at.place || null, start: null, end: null }];
}

function take(button) {
  if (performance.now() - shownAt < UNREADABLE) return;
  const rank = Number(button.dataset.rank);
  settle(onePart(button.dataset.unit, true), rank);
}

const needsTicket = new Set(["choose", "catalog", "compose", "consult", "note", "skip", "hand-over"]);

const actions = {
  choose: take,
  async catalog() {
    const entry = await pick("units", "查目录");
    if (!entry) return;
    const known = desk.querySelector(`.candidate[data-unit="${CSS.escape(entry.code)}"]`);
    settle(onePart(entry.code, Boolean(known)), known ? Number(known.dataset.rank) : null);
  },
  compose: () => compose(ticket(), (parts) => settle(parts)),
  consult() {
    const box = dialog("consult");
    if (box.dataset.item !== ticket().dataset.item) {
      box.dataset.item = ticket().dataset.item;
      box.querySelector(".chips").replaceChildren();
      box.querySelector("textarea").value = "";
    }
    box.querySelector(".fault").textContent = "";
    box.showModal();
  },
  note() {
    const box = dialog("note");
    box.querySelector("textarea").value = note();
    box.showModal();
    box.querySelector("textarea").focus();
  },
  skip() {
    if (performance.now() - shownAt >= UNREADABLE) act(onItem("skip"), {});
  },
  undo() {
    const button = desk.querySelector("[data-ruling]");
    if (button) act(address(`rulings/${button.dataset.ruling}/undo`), {});
    else tell("没有可以撤销的操作。");
  },
  find() {
    dialog("find").showModal();
    dialog("find").querySelector("input").select();
  },
  async "hand-over"() {
    const response = await fetch("/review/colleagues").catch(() => null);
    if (!response?.ok) return tell("同事名单没有载入，请稍后再试。", "alarm");
    dialog("colleagues").innerHTML = await response.text();
    return dialog("hand-over").showModal();
  },
  "hand-to"(button) {
    dialog("hand-over").close();
    act(onItem("hand-over"), { to: button.dataset.to });
  },
  take(button) {
    dialog("find").close();
    act(address(`items/${button.dataset.item}/take`), {}, { keep: false });
  },
  "look-again": () => act(address("skipped"), {}, { keep: false }),
  refresh() {
    tell("");
    refresh();
  },
  filters: () => dialog("filters").showModal(),
  help: () => dialog("help").showModal(),
};

function run(name, button) {
  if (busy || (needsTicket.has(name) && !ticket())) return;
  actions[name](button);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (button) run(button.dataset.act, button);
  else if (event.target.closest("[data-close]")) event.target.closest("dialog").close();
  else if (event.target.matches("dialog")) event.target.close(); // beside the sheet
});

const keys = { "/": "catalog", d: "compose", c: "consult", n: "note", s: "skip", u: "undo", f: "find", t: "hand-over", "?": "help", "？": "help" };

function step(by) {
  const all = Array.from(desk.querySelectorAll(".candidate"));
  if (!all.length) return;
  const at = all.indexOf(document.activeElement);
  all[at < 0 ? (by > 0 ? 0 : all.length - 1) : (at + by + all.length) % all.length].focus();
}

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("dialog[open]") || event.target.closest("input, textarea, select")) return;
  if (/^[1-9]$/.test(event.key)) {
    const button = desk.querySelector(`.candidate[data-rank="${event.key}"]`);
    if (button) run("choose", button);
  } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && !event.target.closest(".text")) {
    event.preventDefault();
    step(event.key === "ArrowDown" ? 1 : -1);
  } else if (keys[event.key]) {
    event.preventDefault();
    run(keys[event.key]);
  }
});

dialog("find").addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  event.preventDefault(); // the browser would only empty the field
  dialog("find").close();
});
dialog("note").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) dialog("note").querySelector("button").click();
});
dialog("note").querySelector("form").addEventListener("submit", () => {
  sessionStorage.setItem(NOTES + ticket().dataset.item, dialog("note").querySelector("textarea").value.trim());
  showNote();
});

dialog("consult").querySelector("[data-add]").addEventListener("click", () => choose(dialog("consult"), "units"));
dialog("consult").querySelector("form").addEventListener("submit", (event) => {
  const units = codes(dialog("consult").querySelector(".chips"));
  const question = dialog("consult").querySelector("textarea").value.trim();
  if (units.length && question) return act(onItem("consult"), { units, question });
  event.preventDefault();
  dialog("consult").querySelector(".fault").textContent = units.length ? "请写明问题。" : "请至少选择一家单位。";
});

setInterval(async () => {
  if (!ticket() || busy || document.hidden) return;
  const item = ticket().dataset.item;
  const response = await fetch(`/review/items/${item}/renew`, {
    method: "POST",
    headers: { "X-CSRF-Token": token() },
    redirect: "manual",
  }).catch(() => null);
  if (ticket()?.dataset.item !== item || busy) return;
  if (response?.status === 409) refused(await refusal(response));
}, (Number(document.body.dataset.lease) * 1000) / 3);

addEventListener("pageshow", (event) => { if (event.persisted) refresh(); }); // the back button

const late = await sendPending();
if (late?.ok) {
  show(late.html);
  tell("之前没有提交的选择已经提交。");
} else {
  if (late) refused(late);
  arrived();
}
loadCatalog().catch(() => {}); // so that `/` opens at once
