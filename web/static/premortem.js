// Makes the search form more comfortable. Every page works without this file.

const form = document.querySelector("[data-ask]");

function enhance(form) {
  const box = form.elements.description;
  const tally = form.querySelector("[data-tally]");
  const status = form.querySelector("[data-status]");
  const most = Number(box.dataset.most);
  const grows = !CSS.supports("field-sizing", "content");

  function show() {
    const length = [...box.value].length;
    tally.textContent = `${length.toLocaleString("en")} of ${most.toLocaleString("en")} characters`;
    tally.hidden = length === 0;
    tally.classList.toggle("over", length > most);
    if (grows) {
      box.style.height = "auto";
      box.style.height = `${box.scrollHeight + 2}px`;
    }
  }

  function fill(text, message) {
    box.value = text;
    status.textContent = message;
    show();
    box.focus();
    box.setSelectionRange(0, 0);
    box.scrollTop = 0;
  }

  async function read(file) {
    const isText = /\.(md|txt|markdown)$/i.test(file.name) || file.type.startsWith("text/");
    if (!isText) {
      status.textContent = `${file.name} is not a text file; use .md or .txt.`;
    } else if (file.size > 1_000_000) {
      status.textContent = `${file.name} is too long.`;
    } else {
      fill(await file.text(), `Read ${file.name}.`);
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

  const picker = form.querySelector("[data-file]");
  picker.hidden = false;
  picker.querySelector("input").addEventListener("change", (event) => {
    if (event.target.files.length) read(event.target.files[0]);
    event.target.value = "";
  });

  for (const example of document.querySelectorAll("[data-example]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "use";
    button.textContent = "Use this example";
    button.addEventListener("click", () => fill(example.querySelector("p").textContent, "The example is in the box."));
    example.querySelector("a").replaceWith(button);
  }

  show();
}

if (form) enhance(form);
