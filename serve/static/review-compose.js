// The dialog for double dispatch, several demands in one ticket, and a corrected place.

import { addChip, choose, codes } from "./review-fields.js";

const dialog = document.getElementById("compose");
const parts = document.getElementById("parts");
const fault = dialog.querySelector(".fault");

let chosenRange = null;

/** Count as the server does: characters, not UTF-16 units. */
const characters = (text) => Array.from(text).length;

function rangeIn(text) {
  const selection = getSelection();
  if (!text || !selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  if (!text.contains(range.startContainer) || !text.contains(range.endContainer)) return null;
  const before = document.createRange();
  before.setStart(text, 0);
  before.setEnd(range.startContainer, range.startOffset);
  const start = characters(before.toString());
  return { start, end: start + characters(range.toString()), words: range.toString() };
}

function number() {
  Array.from(parts.children).forEach((part, index) => {
    part.querySelector("legend").textContent = parts.children.length > 1 ? `诉求 ${index + 1}` : "派单";
  });
}

function addPart(range) {
  const part = document.getElementById("part").content.firstElementChild.cloneNode(true);
  parts.append(part);
  if (range) setRange(part, range);
  number();
  return part;
}

function setRange(part, range) {
  part.dataset.start = range.start;
  part.dataset.end = range.end;
  part.querySelector(".excerpt").textContent = range.words.length > 40 ? `${range.words.slice(0, 40)}…` : range.words;
}

dialog.addEventListener("click", (event) => {
  const name = event.target.closest("[data-add]")?.dataset.add;
  const part = event.target.closest(".part");
  if (name === "part") addPart(chosenRange);
  else if (name === "range" && chosenRange) setRange(part, chosenRange);
  else if (name === "range") fault.textContent = "请先关闭窗口，在工单内容中选中文字，再按 d。";
  else if (name) choose(part, name);
});

function read() {
  return Array.from(parts.children, (part) => {
    const list = (name) => codes(part.querySelector(`[data-list="${name}"]`));
    const ranged = part.dataset.start !== undefined;
    return {
      lead: list("lead")[0],
      assisting: list("assisting"),
      jurisdiction: list("place")[0] ?? null,
      start: ranged ? Number(part.dataset.start) : null,
      end: ranged ? Number(part.dataset.end) : null,
    };
  });
}

/** Open the dialog on a ticket, filled with its first candidate; `settle(parts)` gets what was composed. */
export function compose(ticket, settle) {
  chosenRange = rangeIn(ticket.querySelector(".text"));
  if (dialog.dataset.item !== ticket.dataset.item) {
    dialog.dataset.item = ticket.dataset.item;
    parts.replaceChildren();
    const part = addPart(null);
    const first = ticket.querySelector(".candidate");
    if (first) addChip(part.querySelector('[data-list="lead"]'), { code: first.dataset.unit, name: first.dataset.name });
    const names = ticket.querySelector(".with")?.textContent.replace("协办：", "").split("、") ?? [];
    ticket.dataset.assisting.split(" ").filter(Boolean).forEach((code, index) => addChip(part.querySelector('[data-list="assisting"]'), { code, name: names[index] }));
    if (ticket.dataset.place) addChip(part.querySelector('[data-list="place"]'), { code: ticket.dataset.place, name: ticket.dataset.placeName });
  }
  fault.textContent = "";
  dialog.showModal();
  dialog.querySelector("form").onsubmit = (event) => {
    const made = read();
    if (made.some((part) => !part.lead)) {
      event.preventDefault();
      fault.textContent = "每一项诉求都要有主办单位。";
    } else settle(made);
  };
}
