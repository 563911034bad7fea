// The dialog for double dispatch, several demands in one ticket, and a corrected place.

import { addChip, choose, codes } from "./review-fields.js";

const dialog = document.getElementById("compose");
const parts = document.getElementById("parts");
const fault = dialog.querySelector(".fault");

let ticket = null;
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

const listed = (part, name) => part.querySelector(`[data-list="${name}"]`);

function number() {
  const several = parts.children.length > 1;
  Array.from(parts.children).forEach((part, index) => {
    part.querySelector("legend").textContent = several ? `诉求 ${index + 1}` : "派单";
    part.querySelector("[data-drop]").hidden = !several;
  });
  dialog.querySelector("[data-whole]").hidden = !several;
}

function addPart(range) {
  const part = document.getElementById("part").content.firstElementChild.cloneNode(true);
  parts.append(part);
  if (range) setRange(part, range);
  return part;
}

function setRange(part, { start, end, words }) {
  Object.assign(part.dataset, { start, end });
  part.querySelector(".excerpt").textContent = words.length > 60 ? `${words.slice(0, 60)}…` : words;
}

function setPlace(part) {
  const { place, placeName } = ticket.dataset;
  if (place) addChip(listed(part, "place"), { code: place, name: placeName });
}

/** One part for the whole text, with the first candidate and who assists. */
function fillWhole() {
  parts.replaceChildren();
  const part = addPart(null);
  const first = ticket.querySelector(".candidate");
  if (first) addChip(listed(part, "lead"), { code: first.dataset.unit, name: first.dataset.name });
  const names = ticket.querySelector(".with")?.textContent.replace("协办：", "").split("、") ?? [];
  ticket.dataset.assisting.split(" ").filter(Boolean).forEach((code, index) => addChip(listed(part, "assisting"), { code, name: names[index] }));
  setPlace(part);
  number();
}

/** A part for each demand that the model took apart, with the unit it suggests and buttons for the others. */
function fillDemands(demands) {
  parts.replaceChildren();
  for (const { start, end, words, units } of demands) {
    const part = addPart({ start, end, words });
    if (units.length) addChip(listed(part, "lead"), units[0]);
    for (const { code, name, percent } of units.slice(1)) {
      const other = document.createElement("button");
      Object.assign(other, { type: "button", className: "plain", textContent: `${name} ${percent}` });
      Object.assign(other.dataset, { instead: code, name });
      part.querySelector(".instead").append(other);
    }
    setPlace(part);
  }
  number();
}

function demandsOf(root) {
  return Array.from(root.querySelectorAll("[data-demand]"), (demand) => ({
    start: Number(demand.dataset.start),
    end: Number(demand.dataset.end),
    words: demand.querySelector(".words").textContent,
    units: Array.from(demand.querySelectorAll("[data-unit]"), ({ dataset }) => ({ code: dataset.unit, name: dataset.name, percent: dataset.percent })),
  }));
}

dialog.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  const part = event.target.closest(".part");
  const name = button?.dataset.add;
  if (name === "part") {
    addPart(chosenRange);
    number();
  } else if (name === "range" && chosenRange) setRange(part, chosenRange);
  else if (name === "range") fault.textContent = "请先关闭窗口，在工单内容中选中文字，再按 d。";
  else if (name) choose(part, name);
  else if (button?.dataset.instead) addChip(listed(part, "lead"), { code: button.dataset.instead, name: button.dataset.name }, { only: true });
  else if (button?.hasAttribute("data-whole")) fillWhole();
  else if (button?.hasAttribute("data-drop")) {
    part.remove();
    number();
    dialog.querySelector('[value="ok"]').focus();
  }
});

function read() {
  return Array.from(parts.children, (part) => {
    const ranged = part.dataset.start !== undefined;
    return {
      lead: codes(listed(part, "lead"))[0],
      assisting: codes(listed(part, "assisting")),
      jurisdiction: codes(listed(part, "place"))[0] ?? null,
      start: ranged ? Number(part.dataset.start) : null,
      end: ranged ? Number(part.dataset.end) : null,
    };
  });
}

/** Open the dialog on a ticket, filled with its demands or its first candidate; `settle(parts)` gets what was composed. */
export function compose(shown, settle) {
  ticket = shown;
  chosenRange = rangeIn(ticket.querySelector(".text"));
  const demands = demandsOf(ticket);
  if (dialog.dataset.item !== ticket.dataset.item) {
    dialog.dataset.item = ticket.dataset.item;
    if (demands.length) fillDemands(demands);
    else fillWhole();
  }
  fault.textContent = "";
  dialog.showModal();
  dialog.querySelector(demands.length ? '[value="ok"]' : '[data-add="assisting"]').focus({ preventScroll: true });
  dialog.querySelector("form").onsubmit = (event) => {
    const made = read();
    if (made.some((part) => !part.lead)) {
      event.preventDefault();
      fault.textContent = "每一项诉求都要有主办单位。";
    } else settle(made);
  };
}
