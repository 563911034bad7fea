// The lead's page: figures that renew themselves, and the switch that stops automatic dispatch.

import { draw } from "./lead-charts.js";
import { tick } from "./review-clock.js";
import { chips, codes, choose } from "./review-fields.js";
import { say, send, signInAgain, tell } from "./review-send.js";

const EVERY = 60000;

const figures = document.getElementById("figures");
const stops = document.getElementById("stops");
const dialog = document.getElementById("throw");
const period = document.body.dataset.period;

let data = null;
let busy = false;
let request = null; // what the open dialog will do

function ages() {
  tick();
  for (const box of document.querySelectorAll("[data-since]")) {
    const minutes = Math.max(0, Math.floor((Date.now() - new Date(box.dataset.since)) / 60000));
    box.textContent = minutes < 60 ? `已 ${minutes} 分钟` : minutes < 2880 ? `已 ${Math.floor(minutes / 60)} 小时` : `已 ${Math.floor(minutes / 1440)} 天`;
  }
}

async function load(path) {
  const response = await fetch(`/desk/${path}?period=${period}`, { redirect: "manual" });
  if (response.status === 401 || response.type === "opaqueredirect") signInAgain();
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response;
}

async function drawAll() {
  data = await (await load("charts.json")).json();
  draw(data);
}

async function refresh() {
  try {
    const html = await (await load("figures")).text();
    const open = Array.from(figures.querySelectorAll("details[open]"), (details) => details.id);
    figures.innerHTML = html; // rendered and escaped by the server
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    ages();
    await drawAll();
    return true;
  } catch {
    tell("数字没有更新：网络断开或服务没有答复。", "alarm");
    return false;
  }
}

const WORDS = {
  "stop-unit": ["停止一家单位的自动派单", "停止后，首选为这家单位的工单都转给坐席确认，直到恢复。", "确认停止"],
  "stop-all": ["停止全部自动派单", "停止后，所有工单都转给坐席确认，直到恢复。复核台的工作量会明显增加。", "确认全部停止"],
  lift: ["恢复自动派单", "", "确认恢复"],
};

function ask(name, button) {
  const [title, what, label] = WORDS[name];
  request = { path: name === "lift" ? "stops/lift" : "stops", unit: button.dataset.unit || null, choose: name === "stop-unit" };
  document.getElementById("throw-title").textContent = title;
  document.getElementById("throw-what").textContent = name === "lift" ? `恢复${button.dataset.name}的自动派单。` : what;
  document.getElementById("throw-unit").hidden = name !== "stop-unit";
  dialog.querySelector(".chips").replaceChildren();
  dialog.querySelector("textarea").value = "";
  dialog.querySelector(".fault").textContent = "";
  dialog.querySelector('button[value="ok"]').textContent = label;
  dialog.showModal();
  (name === "stop-unit" ? dialog.querySelector("[data-add]") : dialog.querySelector("textarea")).focus();
}

async function post(url, body) {
  if (busy) return null;
  busy = true;
  try {
    const result = await send(url, body, { keep: false });
    if (!result.ok) tell(result.message, "alarm");
    return result.ok ? result : null;
  } finally {
    busy = false;
  }
}

const actions = {
  "stop-unit": ask,
  "stop-all": ask,
  lift: ask,
  async refresh() {
    if (await refresh()) {
      tell("");
      say("数字已更新");
    }
  },
  async take(_, button) {
    if (await post(`/review/items/${button.dataset.item}/take`, {})) location.assign("/review");
  },
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (button) actions[button.dataset.act](button.dataset.act, button);
  else if (event.target.closest("[data-close]") || event.target === dialog) dialog.close();
});

dialog?.querySelector("[data-add]").addEventListener("click", async () => {
  await choose(dialog, "stop");
  dialog.querySelector(chips(dialog.querySelector(".chips")).length ? "textarea" : "[data-add]").focus();
});

dialog?.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const reason = dialog.querySelector("textarea").value.trim();
  const unit = request.choose ? codes(dialog.querySelector(".chips"))[0] : request.unit;
  const missing = request.choose && !unit ? "请选择单位。" : reason ? "" : "请写明原因。";
  dialog.querySelector(".fault").textContent = missing;
  if (missing || busy) return;
  const result = await post(`/desk/${request.path}`, { unit, reason });
  dialog.close();
  if (!result) return;
  stops.innerHTML = result.html; // rendered and escaped by the server
  tell("");
  const heading = document.getElementById("stops-title");
  heading.focus();
  say(heading.innerText);
});

setInterval(() => {
  const reading = document.querySelector("dialog[open]") || figures.contains(document.activeElement);
  if (!document.hidden && !reading) refresh();
}, EVERY);

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (data) draw(data); });

ages();
drawAll().catch(() => tell("图表没有载入，数字见各表。", "alarm"));
