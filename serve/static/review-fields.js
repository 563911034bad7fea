// Fields that hold chosen units or places as removable chips.

import { pick } from "./review-picker.js";

export function chips(box) {
  return Array.from(box.children, (chip) => ({ code: chip.dataset.code, name: chip.dataset.name }));
}

export function codes(box) {
  return chips(box).map((chip) => chip.code);
}

export function addChip(box, { code, name }, { only = false } = {}) {
  if (only) box.replaceChildren();
  if (codes(box).includes(code)) return;
  const chip = document.createElement("span");
  chip.className = "chip";
  Object.assign(chip.dataset, { code, name });
  const remove = document.createElement("button");
  remove.type = "button";
  remove.textContent = "×";
  remove.setAttribute("aria-label", `去掉${name}`);
  remove.addEventListener("click", () => {
    chip.remove();
    box.parentElement.querySelector("[data-add]")?.focus(); // or the keyboard would begin at the top again
  });
  chip.append(name, remove);
  box.append(chip);
}

const FIELDS = {
  units: ["units", "问哪家单位", false],
  lead: ["units", "主办单位", true],
  assisting: ["units", "协办单位", false],
  place: ["places", "地点", true],
  stop: ["units", "停止哪家单位", true],
};

/** Let a button in `root` with data-add choose for the list of the same name. */
export async function choose(root, name) {
  const [which, title, only] = FIELDS[name];
  const entry = await pick(which, title);
  if (entry) addChip(root.querySelector(`[data-list="${name}"]`), entry, { only });
}
