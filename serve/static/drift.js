// The drift page: begins a computation, and shows what it found once it is there.

import { say, send, signInAgain, tell } from "./review-send.js";

const EVERY = 2000;
const drift = document.getElementById("drift");

const running = () => drift.querySelector("[data-state]").dataset.state === "running";

function show(html) {
  drift.innerHTML = html; // rendered and escaped by the server
  if (running()) later();
  else say("计算结束");
}

async function ask() {
  const response = await fetch("/drift/found", { redirect: "manual" });
  if (response.status === 401 || response.type === "opaqueredirect") return signInAgain();
  if (!response.ok) throw new Error(`found: ${response.status}`);
  tell("");
  return show(await response.text());
}

function later() {
  setTimeout(() => ask().catch(() => {
    tell("没有更新：网络断开或服务没有答复。", "alarm");
    later();
  }), EVERY);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest('[data-act="compute"]');
  if (!button) return;
  button.disabled = true;
  say("正在计算");
  const result = await send("/drift/compute", {}, { keep: false });
  if (result.ok) return show(result.html);
  button.disabled = false;
  tell(result.message, "alarm");
});

if (running()) later();
