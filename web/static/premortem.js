// Makes the search form and the copy buttons more comfortable. Every page works without this file.

const form = document.querySelector("[data-ask]");

export function say(text) {
  const status = document.querySelector("[data-status]");
  if (status) status.textContent = text;
}

/** Put values, by name of field, into the form. */
export function fill(values) {
  for (const field of form.elements) {
    if (!(field.name in values) || field.type === "hidden") continue;
    if (field.type === "checkbox") field.checked = field.value === values[field.name];
    else field.value = values[field.name];
  }
  form.elements.description.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Make the form that of an earlier search; a box that was not ticked is not among its values. */
export function restore(values) {
  const unticked = [...form.querySelectorAll("[type=checkbox]")].map((box) => [box.name, ""]);
  fill({ ...Object.fromEntries(unticked), ...values });
}

function enhance(form) {
  const box = form.elements.description;
  const tally = form.querySelector("[data-tally]");
  const most = Number(box.dataset.most);
  const grows = !CSS.supports("field-sizing", "content");

  function show() {
    const length = [...box.value].length;
    tally.textContent = `${length.toLocaleString("en")} of ${most.toLocaleString("en")} characters`;
    tally.classList.toggle("over", length > most);
    if (grows) {
      box.style.height = "auto";
      box.style.height = `${box.scrollHeight + 2}px`;
    }
  }

  function put(text, message) {
    fill({ description: text });
    say(message);
    box.focus();
    box.setSelectionRange(0, 0);
    box.scrollTop = 0;
  }

  async function read(file) {
    const isText = /\.(md|txt|markdown)$/i.test(file.name) || file.type.startsWith("text/");
    if (!isText) {
      say(`${file.name} is not a text file; use .md or .txt.`);
    } else if (file.size > 1_000_000) {
      say(`${file.name} is too long.`);
    } else {
      put(await file.text(), `Read ${file.name}.`);
    }
  }

  box.addEventListener("input", show);
  // Ctrl+Enter searches, as in many boxes for long text.
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });

  const carriesFile = (event) => event.dataTransfer?.types.includes("Files");
  for (const name of ["dragenter", "dragover"]) {
    box.addEventListener(name, (event) => {
      if (!carriesFile(event)) return;
      event.preventDefault();
      box.classList.add("over");
    });
  }
  box.addEventListener("dragleave", () => box.classList.remove("over"));
  box.addEventListener("drop", (event) => {
    box.classList.remove("over");
    if (!carriesFile(event)) return;
    event.preventDefault();
    read(event.dataTransfer.files[0]);
  });

  form.querySelector("[data-file] input").addEventListener("change", (event) => {
    if (event.target.files.length) read(event.target.files[0]);
    event.target.value = "";
  });

  for (const example of document.querySelectorAll("[data-example]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "plain";
    button.textContent = "Use this example";
    button.addEventListener("click", () => put(example.querySelector("p").textContent, "The example is in the box."));
    example.querySelector("a").replaceWith(button);
  }

  show();

  // A page whose results were refreshed in place comes back as the empty form when it is reloaded.
  if (!box.value && history.state?.description && !document.getElementById("answer")) {
    for (const [name, value] of history.state.carried ?? []) {
      form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    }
    restore(history.state);
    form.requestSubmit();
  }
}

/** Tick in the Markdown what is ticked on the page; the signs stand in the same order in both. */
export function carryTicks() {
  const list = document.getElementById("signs-markdown");
  if (!list) return;
  const boxes = document.querySelectorAll(".signs input");
  let at = 0;
  list.value = list.defaultValue.replace(/^- \[ \]/gm, (open) => (boxes[at++]?.checked ? "- [x]" : open));
}

async function copy(source) {
  try {
    await navigator.clipboard.writeText(source.value ?? source.href);
    return true;
  } catch {
    // No clipboard without HTTPS, except on the machine itself. A link shows its address in a field, which can be selected.
    source.closest("details")?.setAttribute("open", "");
    const whole = source.href && source.parentElement.querySelector(".whole");
    const field = whole ? whole.querySelector("input") : source;
    if (whole) {
      whole.hidden = false;
      field.value = source.href;
    }
    field.focus();
    field.select();
    return false;
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button?.dataset.copy) return; // that of a contribution, which has its own script, names nothing
  const done = await copy(document.getElementById(button.dataset.copy));
  say(done ? "Copied." : "Press Ctrl+C to copy.");
  button.classList.toggle("done", done);
  setTimeout(() => button.classList.remove("done"), 2000);
});

document.addEventListener("change", (event) => {
  if (event.target.closest(".signs")) carryTicks();
});

if (form) enhance(form);
