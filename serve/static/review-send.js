// Sends what an operator decided. Until the server has answered, it is kept in this tab's sessionStorage:
// it survives a reload, a lost network and a new login.

// Each page keeps its own: what one page sends, another could not show.

const KEY = `paidan-pending:${location.pathname}`;
const LONGEST_WAIT = 8000;

export function tell(message, kind = "notice") {
  const box = document.getElementById("told");
  box.textContent = message;
  box.className = `told ${kind}`;
  box.hidden = !message;
}

export function say(message) {
  document.getElementById("status").textContent = message;
}

export function token() {
  return document.querySelector('meta[name="csrf-token"]').content;
}

export function newRequestId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function pending() {
  const kept = sessionStorage.getItem(KEY);
  return kept ? JSON.parse(kept) : null;
}

export function signInAgain() {
  location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Read why something was refused: {ok: false, why, message}; `why` is the problem's name after "review-". */
export async function refusal(response) {
  const problem = await response.json().catch(() => ({}));
  const why = String(problem.type ?? "").split(":review-")[1] ?? "";
  const fallback = response.status === 403 ? "没有权限，或页面已过期，请刷新后再试。" : "没有成功，请检查后再试。";
  return { ok: false, why, message: why ? problem.detail : fallback };
}

/** Send once, or until the network is back. Gives {ok, html} or what `refusal` reads. */
export async function send(url, body, { keep = true } = {}) {
  const user = document.body.dataset.user;
  if (keep) sessionStorage.setItem(KEY, JSON.stringify({ url, body, user }));
  let told = false;
  for (let wait = 500; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
    let response;
    try {
      response = await fetch(url, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRF-Token": token() },
        body: JSON.stringify(body),
        redirect: "manual",
      });
    } catch {
      response = null;
    }
    if (response?.status === 401 || response?.type === "opaqueredirect") {
      tell(keep ? "登录已过期。您的选择已保留，登录后自动提交。" : "登录已过期，请重新登录。");
      signInAgain();
      return new Promise(() => {}); // the page is left; nothing may run on
    }
    if (response && response.status < 500) {
      sessionStorage.removeItem(KEY);
      if (told) tell("");
      return response.ok ? { ok: true, html: await response.text() } : refusal(response);
    }
    told = true;
    tell(`${response ? "服务暂时没有答复" : "网络断开"}，正在重试，您的选择已保留。`, "alarm");
    await pause(wait);
  }
}

/** Send what a former page could not, if it was this person's. */
export async function sendPending() {
  const kept = pending();
  if (!kept) return null;
  if (kept.user !== document.body.dataset.user) {
    sessionStorage.removeItem(KEY);
    return null;
  }
  return send(kept.url, kept.body);
}
