// The analyst's page: models, and a policy to try before it is saved.

import { say, send, signInAgain, tell } from "./review-send.js";

const models = document.getElementById("models");
const trial = document.getElementById("trial");
const dialog = document.getElementById("sure");
const sliders = Array.from(trial.querySelectorAll("input"));

let name = ""; // of the model that is tried
let request = null; // what the open dialog will do
let busy = false;
let asked = 0;

const WORDS = {
  promote: (button) => ["启用模型", `${button.dataset.name} 将在几秒内开始答复所有工单。`, `/models/${button.dataset.name}/promote`],
  rollback: () => ["回退", "上一个使用过的模型将在几秒内接替。", "/models/rollback"],
  shadow: (button) => ["旁路试用", `${button.dataset.name} 将对同样的工单作答，只记录，不对外。`, `/models/${button.dataset.name}/shadow`],
  "end-shadow": () => ["结束旁路", "已记录的对照会保留。", "/models/shadow/end"],
  keep: () => ["存为新模型", `以 ${name} 为基础，按当前滑块的承诺确定策略，存入模型库。`, `/models/${name}/policy`],
};

function values() {
  return Object.fromEntries(sliders.map((input) => [input.name, Number(input.value)]));
}

function label(input) {
  const value = Number(input.value);
  input.parentElement.querySelector("output").textContent = input.dataset.percent === undefined ? `${value} 秒` : `${(100 * value).toFixed(1)}%`;
}

async function simulate() {
  const mine = ++asked;
  const response = await fetch(`/models/${name}/policy?${new URLSearchParams(values())}`, { redirect: "manual" });
  if (response.status === 401 || response.type === "opaqueredirect") return signInAgain();
  const answer = response.ok ? await response.text() : (await response.json().catch(() => ({}))).detail;
  if (mine !== asked) return; // a later question was asked meanwhile
  const box = document.getElementById("simulation");
  if (response.ok) box.innerHTML = answer; // rendered and escaped by the server
  else box.textContent = answer || "没有算出，请稍后再试。";
}

let waiting = 0;
function later() {
  clearTimeout(waiting);
  waiting = setTimeout(() => simulate().catch(() => tell("没有算出：网络断开或服务没有答复。", "alarm")), 120);
}

function ask(action, button) {
  const [title, what, url] = WORDS[action](button);
  const closed = button.dataset.closed || "";
  request = { action, url };
  document.getElementById("sure-title").textContent = title;
  document.getElementById("sure-what").textContent = closed ? `${what} 未通过：${closed}。` : what;
  dialog.querySelector(".overrule").hidden = !closed;
  dialog.querySelector('[name="overrule"]').checked = false;
  dialog.querySelector("textarea").value = "";
  dialog.querySelector(".fault").textContent = "";
  dialog.showModal();
  dialog.querySelector("textarea").focus();
}

function openTrial(_, button) {
  name = button.dataset.name;
  trial.hidden = false;
  trial.querySelector(".of").textContent = name;
  sliders.forEach(label);
  document.getElementById("trial-title").focus();
  later();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (button) (button.dataset.act === "trial" ? openTrial : ask)(button.dataset.act, button);
  else if (event.target.closest("[data-close]") || event.target === dialog) dialog.close();
});

for (const input of sliders) {
  label(input);
  input.addEventListener("input", () => {
    label(input);
    later();
  });
}

dialog.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const reason = dialog.querySelector("textarea").value.trim();
  dialog.querySelector(".fault").textContent = reason ? "" : "请写明原因。";
  if (!reason || busy) return;
  busy = true;
  const { seconds, ...promise } = values();
  const overrule = dialog.querySelector('[name="overrule"]').checked;
  const body = request.action === "keep" ? { ...promise, reason } : { reason, overrule };
  const result = await send(request.url, body, { keep: false }).finally(() => { busy = false; });
  dialog.close();
  tell(result.ok ? "" : result.message, "alarm");
  if (!result.ok) return;
  models.innerHTML = result.html; // rendered and escaped by the server
  document.getElementById("models-title").focus();
  say("模型库已更新");
});
