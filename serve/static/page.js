"use strict";

// Spares the page its reload. Without this script the form still works: the server renders everything.

const form = document.getElementById("ticket");
const text = document.getElementById("text");
const submit = document.getElementById("submit");
const answer = document.getElementById("answer");
const body = document.getElementById("answer-body");
const status = document.getElementById("status");
const empty = body.innerHTML;

let running = null;

function say(message) {
  status.textContent = message;
}

function refuse(message) {
  const box = document.createElement("div");
  box.className = "faults";
  const line = document.createElement("p");
  line.textContent = message;
  box.append(line);
  body.replaceChildren(box);
  say(message);
}

async function send() {
  running?.abort();
  const mine = new AbortController();
  running = mine;
  answer.setAttribute("aria-busy", "true");
  submit.setAttribute("aria-busy", "true");
  try {
    const response = await fetch("/", {
      method: "POST",
      headers: { "X-Fragment": "1" },
      body: new URLSearchParams(new FormData(form)),
      signal: mine.signal,
    });
    const received = await response.text();
    if (mine !== running) return;
    if ((response.headers.get("content-type") ?? "").startsWith("text/html")) {
      body.innerHTML = received; // rendered and escaped by the server
      say(body.querySelector("[data-summary]")?.dataset.summary ?? "");
    } else {
      refuse(`服务拒绝了这次请求（${response.status}），请稍后再试`);
    }
    if (answer.getBoundingClientRect().top > window.innerHeight * 0.6) {
      answer.scrollIntoView({ block: "start" });
    }
  } catch (error) {
    if (error.name !== "AbortError") refuse("连接不上服务，请检查网络后再试");
  } finally {
    if (mine === running) {
      running = null;
      answer.removeAttribute("aria-busy");
      submit.removeAttribute("aria-busy");
    }
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});

form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});

form.addEventListener("reset", (event) => {
  event.preventDefault(); // the form's initial values may be an example
  running?.abort();
  for (const field of form.querySelectorAll("textarea, input")) field.value = "";
  body.innerHTML = empty;
  say("");
  text.focus();
});

for (const example of form.querySelectorAll("[data-text]")) {
  example.addEventListener("click", (event) => {
    event.preventDefault();
    for (const name of ["text", "title", "address", "district"]) {
      form.elements[name].value = example.dataset[name];
    }
    form.requestSubmit();
  });
}
