// Refreshes the results while the description is edited: fetches the page that the form would lead to and swaps its parts.

import { carryTicks, restore, say } from "./premortem.js";

const PAUSE_MS = 600;
const form = document.querySelector("[data-ask]");
const box = form.elements.description;
const answer = document.getElementById("answer");
const verdict = document.getElementById("verdict");
const standsInAddress = new URLSearchParams(location.search).has("q");

const asked = () => new URLSearchParams(new FormData(form));
/** What the results on the page answer. */
let shown = new URLSearchParams(
  [...form.elements]
    .filter((field) => field.name && !field.matches("button") && (field.type !== "checkbox" || field.defaultChecked))
    .map((field) => [field.name, field.defaultValue ?? defaultChoice(field)]),
);
let timer;
let underWay;
/** Whether the status says that the results are of an earlier text. */
let isOutdated = false;

function defaultChoice(select) {
  return [...select.options].find((option) => option.defaultSelected)?.value ?? "";
}

function swap(page) {
  const ticked = new Set([...answer.querySelectorAll(":checked + label")].map((label) => label.textContent));
  const opened = new Set([...answer.querySelectorAll("details[id][open]")].map((details) => details.id));
  for (const part of document.querySelectorAll("[data-live]")) {
    part.replaceChildren(...page.getElementById(part.id).childNodes);
  }
  for (const label of answer.querySelectorAll(".signs label")) {
    label.previousElementSibling.checked = ticked.has(label.textContent);
  }
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  carryTicks();
  if (page.querySelector("textarea[aria-invalid]")) box.setAttribute("aria-invalid", "true");
  else box.removeAttribute("aria-invalid");
  document.title = page.title;
}

// Going back and forward walks through what was searched for. The text stays on this machine, in the state of the browser's history,
// and in the address only where it stood there already and is short enough.
function remember(query, isNew) {
  const link = document.getElementById("share-address")?.getAttribute("href");
  const address = standsInAddress && link ? link : form.getAttribute("action");
  const carried = [...form.querySelectorAll("[type=hidden]")].map((field) => [field.name, field.value]);
  if (isNew) history.replaceState({ ...Object.fromEntries(shown), carried }, "", location.href);
  history[isNew ? "pushState" : "replaceState"]({ ...Object.fromEntries(query), carried }, "", address);
  shown = query;
}

/** Return whether the results are those of the form; null when the form changed meanwhile. */
async function refresh({ isNew = false } = {}) {
  clearTimeout(timer);
  underWay?.abort();
  const query = asked();
  if (query.toString() === shown.toString()) {
    if (isOutdated) say("");
    isOutdated = false;
    return true;
  }
  const isEmpty = !query.get("description").trim();
  if (isEmpty || [...box.value].length > Number(box.dataset.most)) {
    isOutdated = true;
    say(`${isEmpty ? "The box is empty" : "The text is too long"}: the results are still those of the earlier text.`);
    return false;
  }
  const mine = new AbortController();
  underWay = mine;
  answer.setAttribute("aria-busy", "true");
  try {
    const reply = await fetch(form.action, { method: "POST", body: query, headers: { Accept: "text/html" }, signal: mine.signal });
    const page = new DOMParser().parseFromString(await reply.text(), "text/html");
    if (!page.getElementById("answer")) throw new Error(`status ${reply.status}`);
    swap(page);
    remember(query, isNew);
    isOutdated = false;
    say(`${verdict.textContent}.`);
    return true;
  } catch (error) {
    if (error.name === "AbortError") return null;
    say("The search did not answer; press the button to try again.");
    return false;
  } finally {
    if (underWay === mine) answer.removeAttribute("aria-busy");
  }
}

form.addEventListener("input", (event) => {
  clearTimeout(timer);
  underWay?.abort();
  timer = setTimeout(refresh, event.target === box ? PAUSE_MS : 0);
});

form.addEventListener("submit", async (event) => {
  // A button that leads elsewhere, such as to the map, or takes off a filter, for which the form has another field then.
  if (event.submitter?.matches("[formaction], [name=without]")) return;
  event.preventDefault();
  const isDone = await refresh({ isNew: true });
  if (isDone) verdict.focus();
  if (isDone === false) form.submit(); // the page it leads to says what is wrong
});

// A link within the page makes an entry of its own, without a state: the results stay as they are.
window.addEventListener("popstate", (event) => {
  if (!event.state) return;
  restore(event.state);
  refresh();
});

// The browser may have put an edited text back into the box beside the results of the former.
window.addEventListener("pageshow", () => refresh());
