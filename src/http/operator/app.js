// The dashboard's script: sign-in, views, changes. No library. The server sends whole pages as HTML; this fetches them
// with the key, and puts what has changed in place.
const POLL_MS = 2000;
const TOAST_MS = 10000;
const ANSWER_MS = 15000; // a server that takes longer counts as gone

// Only what this listener's own views sent becomes HTML; texts in it were escaped by the server.
const policy = globalThis.trustedTypes?.createPolicy("view", { createHTML: (html) => html }) ?? { createHTML: (html) => html };
const parse = (html) => new DOMParser().parseFromString(policy.createHTML(html), "text/html");
const find = (selector, from = document) => from.querySelector(selector);
const [root, app, toast, result] = [document.documentElement, find("#app"), find("#toast"), find("#result")];

let key = sessionStorage.getItem("key");
let tag = null; // of the view that is shown
let asked = 0; // views asked for: an answer that was overtaken is dropped
let watches = false; // a request of the clock is on its way

function gate(why) {
  sessionStorage.removeItem("key");
  key = tag = null;
  asked += 1;
  document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
  app.replaceChildren(find("#gate").content.cloneNode(true));
  find(".why", app).textContent = why ?? "";
  document.title = "Sign in · dinkem appliance";
}

async function ask(path, options = {}) {
  const headers = { Authorization: `Operator ${key}`, "Time-Offset": String(-new Date().getTimezoneOffset()), ...options.headers };
  const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS), ...options, headers });
  if (answer.status !== 401) return answer;
  gate((await answer.json()).error);
  return null;
}

async function signIn() {
  if (!location.hash.startsWith("#code=")) return;
  const code = location.hash.slice("#code=".length);
  history.replaceState(null, "", location.pathname); // first of all: out of the bar, the history, a screenshot
  const body = JSON.stringify({ code });
  try {
    const answer = await fetch("/operator/session", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    const content = await answer.json();
    if (!answer.ok) return key ? say(content.error, true) : gate(content.error);
    key = content.key;
    sessionStorage.setItem("key", key);
  } catch {
    if (!key) gate("The server did not respond. Ask for a new link.");
  }
}

// Shows the page at the current address. `fresh`: another page than before.
async function show({ fresh = false, watching = false } = {}) {
  if (!key) return gate();
  const turn = ++asked;
  const page = location.pathname.replace(/^\/operator\//, "") || "overview";
  const headers = { ...(tag && !fresh && { "If-None-Match": tag }), ...(watching && { "Operator-Watching": "1" }) };
  let answer;
  try {
    answer = await ask(`/operator/view/${page}${location.search}`, { headers });
  } catch {
    root.classList.add("stale");
    if (fresh) say("The server does not respond. The page is shown as soon as it does.", true);
    tag = null; // another page may be shown than the address says
    return;
  }
  if (!answer || turn !== asked) return;
  root.classList.remove("stale");
  if (answer.status === 304) return;
  if (!answer.headers.get("Content-Type")?.startsWith("text/html")) return say((await answer.json()).error, true);
  const text = await answer.text();
  if (turn !== asked) return;
  tag = answer.headers.get("ETag");
  const view = parse(text);
  document.title = view.title;
  if (fresh || !find(".app", app)) {
    app.replaceChildren(...view.body.childNodes);
    scrollTo(0, 0);
    if (fresh === "moved") find("#main").focus();
  } else {
    children(app, view.body);
  }
  // On phones the navigation scrolls; scrollIntoView would also move where the Tab key begins.
  const here = find(".nav [aria-current]", app);
  if (fresh && here) here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.clientWidth / 2;
}

// Makes `from` look like `to`, and leaves alone what is unchanged or in use: focus, scrolling, typed text, a playing clip.
function morph(from, to) {
  if (from.nodeName !== to.nodeName || from.id !== to.id || from.dataset?.key !== to.dataset?.key) return from.replaceWith(to);
  if (from.nodeType !== Node.ELEMENT_NODE) {
    if (from.data !== to.data) from.data = to.data;
    return;
  }
  if (from.isEqualNode(to) || from.matches("dialog[open], video, audio, [data-keep]")) return;
  for (const { name } of [...from.attributes]) if (!to.hasAttribute(name) && !(name === "open" || name === "tabindex")) from.removeAttribute(name);
  for (const { name, value } of to.attributes) if (from.getAttribute(name) !== value && name !== "tabindex") from.setAttribute(name, value);
  children(from, to);
}

// Children with an id or a `data-key` are found again wherever they have moved to; others by their place.
function children(from, to) {
  const mark = (node) => node?.id || node?.dataset?.key;
  [...to.childNodes].forEach((wanted, at) => {
    let there = from.childNodes[at];
    if (mark(wanted) && mark(there) !== mark(wanted)) {
      const moved = [...from.children].find((node) => mark(node) === mark(wanted)) ?? wanted.cloneNode(true);
      from.insertBefore(moved, there ?? null);
      there = moved;
    }
    if (there) morph(there, wanted.cloneNode(true));
    else from.append(wanted.cloneNode(true));
  });
  while (from.childNodes.length > to.childNodes.length) from.lastChild.remove();
}

function say(text, isBad = false, undo = null) {
  toast.replaceChildren(text ?? "");
  toast.className = isBad ? "bad" : "";
  if (undo) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "btn", textContent: "Undo" });
    button.addEventListener("click", () => act(undo.action, undo.fields));
    toast.append(" ", button);
  }
  clearTimeout(say.timer);
  say.timer = setTimeout(function end() {
    if (toast.matches(":hover, :focus-within")) say.timer = setTimeout(end, TOAST_MS);
    else toast.replaceChildren();
  }, TOAST_MS);
}

// Runs an action. Returns what went wrong, if anything did.
async function act(action, fields, dialog = null) {
  let answer;
  try {
    answer = await ask(`/operator/actions/${action}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(fields) });
  } catch {
    return "The server did not respond. Check whether the change was made before you try again.";
  }
  if (!answer) return null;
  const done = await answer.json();
  if (!answer.ok) return done.error;
  dialog?.close(); // so that the refresh reaches it
  say(done.message, false, done.undo);
  if (done.go_to) history.pushState(null, "", done.go_to);
  await show({ fresh: done.go_to ? "moved" : false });
  if (done.show) {
    result.replaceChildren(...parse(done.show).body.childNodes);
    result.showModal();
  }
  return null;
}

async function save(path, name) {
  const answer = await ask(path);
  if (!answer) return;
  if (!answer.ok) return say((await answer.json()).error, true);
  const url = URL.createObjectURL(await answer.blob());
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}

function go(url) {
  if (url !== location.pathname + location.search) history.pushState(null, "", url);
  return show({ fresh: "moved" });
}

addEventListener("submit", async (event) => {
  const form = event.target;
  event.preventDefault();
  const fields = Object.fromEntries(new FormData(form));
  if (!form.dataset.action) {
    const query = new URLSearchParams(Object.entries(fields).filter(([, value]) => value)).toString();
    return go(form.getAttribute("action") + (query && `?${query}`));
  }
  const button = event.submitter;
  if (button?.name) fields[button.name] = button.value;
  if (button) button.disabled = true;
  const wrong = await act(form.dataset.action, fields, form.closest("dialog"));
  if (button) button.disabled = false;
  const error = find(".error", form);
  if (error) error.textContent = wrong ?? "";
  else if (wrong) say(wrong, true);
  if (!wrong) form.reset();
});

addEventListener("change", (event) => {
  if (event.target.matches("form[data-filters] select")) event.target.form.requestSubmit();
});

addEventListener("click", async (event) => {
  const at = event.target.closest("a, button");
  if (!at || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  if (at.dataset.opens) document.getElementById(at.dataset.opens)?.showModal();
  else if ("closes" in at.dataset) at.closest("dialog").close();
  else if (at.dataset.copies) {
    await navigator.clipboard.writeText(document.getElementById(at.dataset.copies).textContent);
    say("Copied.");
  } else if ("prints" in at.dataset) print();
  else if (at.dataset.saves) {
    event.preventDefault();
    await save(at.getAttribute("href"), at.dataset.saves);
  } else if ("signsOut" in at.dataset) {
    const left = ask("/operator/sessions/mine", { method: "DELETE" }).then(() => "You are signed out.");
    gate(await left.catch(() => "You are signed out here. The server did not respond; it ends the key by itself."));
  } else if (at.id === "theme") {
    const isDark = matchMedia("(prefers-color-scheme: dark)").matches ? root.dataset.theme !== "light" : root.dataset.theme === "dark";
    localStorage.setItem("theme", (root.dataset.theme = isDark ? "light" : "dark"));
  } else if (at.matches(".skip")) {
    event.preventDefault(); // as a new address it would be a new page
    find("#main").focus();
  } else if (at.origin === location.origin && at.pathname.startsWith("/operator/") && !at.target && !at.hash) {
    event.preventDefault();
    await go(at.pathname + at.search);
  }
});

// In a field of nodes: one stop of the Tab key; arrows, Home and End move inside. Elsewhere, "/" goes to the search.
addEventListener("keydown", (event) => {
  const cells = [...(event.target.closest?.(".cells")?.querySelectorAll("a") ?? [])];
  const at = cells.indexOf(event.target);
  if (at >= 0) {
    const columns = getComputedStyle(cells[0].closest(".cells")).gridTemplateColumns.split(" ").length;
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, Home: -at, End: cells.length - 1 - at }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = cells[Math.min(Math.max(at + step, 0), cells.length - 1)];
    cells[at].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  } else if (event.key === "/" && !event.target.matches("input, textarea, select") && !find("dialog[open]")) {
    event.preventDefault();
    find("#find")?.focus();
  }
});

addEventListener("close", ({ target }) => find("video", target)?.pause(), true); // a closed dialog is not heard
result.addEventListener("close", () => result.replaceChildren()); // a key is shown once
addEventListener("popstate", () => {
  document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
  show({ fresh: true });
});
// A link that is opened in a tab of the dashboard changes only the part behind the #.
addEventListener("hashchange", async () => {
  if (!location.hash.startsWith("#code=")) return;
  await signIn();
  if (key) await show({ fresh: true });
});
async function watch() {
  if (!key || watches || document.hidden || find("dialog[open]")) return;
  watches = true;
  await show({ watching: true }).finally(() => (watches = false));
}
document.addEventListener("visibilitychange", watch);
setInterval(watch, POLL_MS);

root.dataset.theme = localStorage.getItem("theme") ?? "";
await signIn();
if (key || !find(".gate .why", app)) await show({ fresh: true });
root.dataset.ready = "1";
