// Makes the contribution form more comfortable: a check while one types, entries that come and go in place, copying.
// Every page works without this file.

const WAIT_MS = 900;
const form = document.querySelector("[data-contribute]");
let typed = false;
let leaving = false;
let timer = 0;
let asked = 0;

function body(submitter) {
  return new URLSearchParams(new FormData(form, submitter));
}

async function send(address, submitter) {
  const response = await fetch(address, { method: "POST", body: body(submitter) });
  if (!response.ok) throw new Error(String(response.status));
  return response.text();
}

function parse(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

async function check() {
  const panel = form.querySelector("[data-panel]");
  const status = form.querySelector("[data-status]");
  if (!panel) return;
  const mine = ++asked;
  try {
    const found = parse(await send("/contribute/panel")).querySelector("[data-summary]");
    if (mine !== asked) return; // a later answer is on its way
    const wasOpen = panel.querySelector("details")?.open ?? false;
    panel.replaceChildren(found);
    const details = panel.querySelector("details");
    if (details) details.open = wasOpen;
    if (status.textContent !== found.dataset.summary) status.textContent = found.dataset.summary;
  } catch (error) {
    if (mine !== asked) return;
    status.textContent = error.message === "429" ? "Checked often; the next check comes in a moment." : "Cannot check just now; go on, nothing is lost.";
    if (error.message === "429") later(15_000);
  }
}

function later(wait = WAIT_MS) {
  clearTimeout(timer);
  timer = setTimeout(check, wait);
}

// An entry added or removed: the fields are taken from the answer, the page stays where it is. So is what is carried for other steps:
// a removed source renumbers what cites the later ones there.
async function swap(button) {
  let page;
  try {
    // Not form.action: that is the buttons of this name.
    page = parse(await send(form.getAttribute("action"), button));
  } catch {
    form.requestSubmit(button); // the plain way shows what is wrong
    return;
  }
  for (const part of ["[data-carried]", ".fields"]) form.querySelector(part).replaceWith(page.querySelector(part));
  form.querySelector(".fields [autofocus]")?.focus();
  prepare();
  later(0);
}

function prepare() {
  for (const plain of form.querySelectorAll("[data-plain]")) plain.hidden = Boolean(form.querySelector("[data-panel]"));
  const copy = form.querySelector("[data-copy]");
  if (copy && navigator.clipboard) copy.hidden = false;
}

if (form) {
  form.addEventListener("input", () => {
    typed = true;
    later();
  });
  form.addEventListener("change", () => later());
  form.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (button?.matches("[data-swap]") && !event.defaultPrevented && !button.dataset.tried) {
      event.preventDefault();
      button.dataset.tried = "yes";
      swap(button);
      return;
    }
    leaving = true;
    // A download is a submission too, but the page stays.
    if (button?.matches("[data-keep]")) setTimeout(() => (leaving = false), 2000);
  });
  form.addEventListener("click", async (event) => {
    if (!event.target.closest("[data-copy]")) return;
    const said = form.querySelector("[data-copied]");
    try {
      await navigator.clipboard.writeText(form.querySelector("[data-markdown]").value);
      said.textContent = "Copied.";
    } catch {
      said.textContent = "Cannot copy here: select the text and copy it.";
    }
  });
  addEventListener("beforeunload", (event) => {
    const carries = typed || form.querySelector("input[type=hidden]:not([name=step])");
    if (carries && !leaving) event.preventDefault();
  });
  addEventListener("pageshow", () => {
    leaving = false; // back again by the browser's button
  });
  prepare();
}
