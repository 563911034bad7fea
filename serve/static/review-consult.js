// The page of open consultations.

import { tick } from "./review-clock.js";
import { choose, codes } from "./review-fields.js";
import { newRequestId, say, send, sendPending, tell } from "./review-send.js";

const list = document.getElementById("consultations");
const opened = performance.now();
let busy = false;

const nameOf = (form) => form.dataset.answer ?? `ruling-${form.closest(".consultation").dataset.consultation}`;

const isTouched = (form) =>
  form.querySelector(".chip") || Array.from(form.querySelectorAll("input, textarea")).some((field) => field.value !== field.defaultValue);

/** Show the list anew; what is typed in other forms than the one that was sent stays. */
function show(html, sent = "") {
  const fresh = document.createElement("template");
  fresh.innerHTML = html; // rendered and escaped by the server
  const touched = new Map(Array.from(list.querySelectorAll("form")).filter(isTouched).map((form) => [nameOf(form), form]));
  touched.delete(sent);
  for (const form of fresh.content.querySelectorAll("form")) {
    const typed = touched.get(nameOf(form));
    if (typed) form.replaceWith(typed);
  }
  list.replaceChildren(fresh.content);
  tick();
}

async function act(form, url, body, done) {
  if (busy) return;
  busy = true;
  const result = await send(url, body).finally(() => { busy = false; });
  if (!result.ok) return tell(result.message, "alarm");
  const at = form.closest(".consultation").id;
  show(result.html, nameOf(form));
  tell("");
  (document.getElementById(at) ?? list).querySelector("h2").focus();
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
    act(form, `/review/consult/answers/${form.dataset.answer}`, { responsible, answer: form.elements.answer.value.trim() }, "已记录");
    return;
  }
  const lead = codes(form.querySelector('[data-list="lead"]'))[0];
  if (!lead) {
    tell("请选择主办单位。", "alarm");
    return;
  }
  form.dataset.request ??= newRequestId();
  const assisting = codes(form.querySelector('[data-list="assisting"]'));
  act(form, `/review/consult/${form.closest(".consultation").dataset.consultation}/close`, {
    settlement: { request_id: form.dataset.request, parts: [{ lead, assisting }], seconds: Math.round(performance.now() - opened) / 1000 },
    reasoning: form.elements.reasoning.value.trim(),
  }, "已裁定");
});

const late = await sendPending();
if (late?.ok) {
  show(late.html);
  tell("之前没有提交的内容已经提交。");
} else if (late) tell(late.message, "alarm");
tick();
