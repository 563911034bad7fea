// The page of open consultations.

import { tick } from "./review-clock.js";
import { choose, codes } from "./review-fields.js";
import { newRequestId, say, send, tell } from "./review-send.js";

const list = document.getElementById("consultations");
const opened = performance.now();
let busy = false;

async function act(url, body, done) {
  if (busy) return;
  busy = true;
  const result = await send(url, body, { keep: false });
  busy = false;
  if (!result.ok) return tell(result.message, "alarm");
  list.innerHTML = result.html; // rendered and escaped by the server
  tick();
  tell("");
  return say(done);
}

list.addEventListener("click", (event) => {
  const name = event.target.closest("[data-add]")?.dataset.add;
  if (name) choose(event.target.closest(".ruling"), name);
});

list.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  if (form.matches(".answer-form")) {
    const responsible = event.submitter?.value !== "no";
    act(`/review/consult/answers/${form.dataset.answer}`, { responsible, answer: form.elements.answer.value.trim() }, "已记录");
    return;
  }
  const lead = codes(form.querySelector('[data-list="lead"]'))[0];
  if (!lead) return tell("请选择主办单位。", "alarm");
  form.dataset.request ??= newRequestId();
  const assisting = codes(form.querySelector('[data-list="assisting"]'));
  act(`/review/consult/${form.closest(".consultation").dataset.consultation}/close`, {
    settlement: { request_id: form.dataset.request, parts: [{ lead, assisting }], seconds: Math.round(performance.now() - opened) / 1000 },
    reasoning: form.elements.reasoning.value.trim(),
  }, "已裁定");
});

tick();
