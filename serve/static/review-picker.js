// Finds a unit or a place by characters, pinyin or initials, over the whole catalog, in the browser.

const SHOWN = 60;

let loading = null;

export function loadCatalog() {
  loading ??= fetch("/review/catalog.json").then(async (response) => {
    if (!response.ok) throw new Error(`catalog: ${response.status}`);
    const { units, places } = await response.json();
    return {
      units: units.map(([code, name, family, path, duty, names]) => ({ code, name, about: path, duty, family, names })),
      places: places.map(([code, name, path, names]) => ({ code, name, about: path, duty: "", names })),
    };
  });
  loading.catch(() => { loading = null; });
  return loading;
}

/** Load the catalog anew when it is next asked for: it has changed. */
export function forgetCatalog() {
  loading = null;
}

function inOrder(name, query) {
  let at = -1;
  for (const character of query) {
    at = name.indexOf(character, at + 1);
    if (at < 0) return false;
  }
  return true;
}

/** How well one entry fits; lower is better, Infinity is not at all. */
function rank(entry, query) {
  let best = Infinity;
  for (const [name, pinyin, initials] of entry.names) {
    let fit = Infinity;
    if (name === query || initials === query || pinyin === query) fit = 0;
    else if (name.startsWith(query)) fit = 1;
    else if (initials.startsWith(query)) fit = 2;
    else if (name.includes(query)) fit = 3;
    else if (pinyin.startsWith(query)) fit = 4;
    else if (initials.includes(query)) fit = 5;
    else if (pinyin.includes(query)) fit = 6;
    else if (query.length > 1 && inOrder(name, query)) fit = 7;
    if (fit < best) best = fit;
    if (best === 0) return 0;
  }
  return best;
}

/** Return {found, count}: the best fitting entries first, shorter names before longer ones. */
export function filter(entries, typed) {
  const query = typed.trim().toLowerCase().replace(/[\s']+/g, "");
  if (!query) return { found: entries.slice(0, SHOWN), count: entries.length };
  const fitting = [];
  for (const entry of entries) {
    const fit = rank(entry, query);
    if (fit < Infinity) fitting.push([fit, entry]);
  }
  fitting.sort((a, b) => a[0] - b[0] || a[1].name.length - b[1].name.length);
  return { found: fitting.slice(0, SHOWN).map(([, entry]) => entry), count: fitting.length };
}

function row(entry, index) {
  const item = document.createElement("li");
  item.id = `picker-${index}`;
  item.setAttribute("role", "option");
  item.dataset.index = index;
  for (const [tag, text] of [["name", entry.name], ["path", entry.about], ["duty", entry.duty]]) {
    if (!text) continue;
    const part = document.createElement("span");
    part.className = tag;
    part.textContent = text;
    item.append(part);
  }
  return item;
}

/** Open the dialog; gives the chosen entry, or null. `which` is units or places. */
export async function pick(which, title) {
  const dialog = document.getElementById("picker");
  const input = document.getElementById("picker-input");
  const list = document.getElementById("picker-list");
  const count = document.getElementById("picker-count");
  document.getElementById("picker-title").textContent = title;
  input.value = "";
  list.replaceChildren();
  count.textContent = "正在载入…";
  dialog.showModal();
  input.focus();
  let entries = null;
  let found = [];
  let at = 0;

  function mark(next) {
    at = Math.max(0, Math.min(next, found.length - 1));
    for (const item of list.children) item.setAttribute("aria-selected", String(Number(item.dataset.index) === at));
    const chosen = list.children[at];
    if (chosen) {
      input.setAttribute("aria-activedescendant", chosen.id);
      chosen.scrollIntoView({ block: "nearest" });
    } else input.removeAttribute("aria-activedescendant");
  }

  function show() {
    if (!entries) return;
    const result = filter(entries, input.value);
    found = result.found;
    list.replaceChildren(...found.map(row));
    count.textContent = result.count ? `${result.count} 个` : "没有找到";
    mark(0);
  }

  return new Promise((resolve) => {
    const ending = new AbortController();
    const { signal } = ending;
    const done = (entry) => {
      ending.abort();
      dialog.close();
      resolve(entry);
    };
    input.addEventListener("input", show, { signal });
    input.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
      if (step) {
        event.preventDefault();
        mark(at + step);
      } else if (event.key === "Escape") {
        event.preventDefault(); // the browser would only empty the field
        done(null);
      } else if (event.key === "Enter") {
        event.preventDefault();
        if (found[at]) done(found[at]);
      }
    }, { signal });
    list.addEventListener("click", (event) => {
      const item = event.target.closest("[role=option]");
      if (item) done(found[Number(item.dataset.index)]);
    }, { signal });
    dialog.addEventListener("close", () => { ending.abort(); resolve(null); }, { signal });
    loadCatalog().then((catalog) => { entries = catalog[which]; show(); }, () => { count.textContent = "目录没有载入，请检查网络后再打开。"; });
  });
}
