// Shows the title of a mark beside it at once, also when the keyboard is on it. Without this file the browser shows it, later.

const plane = document.querySelector("[data-map]");
const tip = plane.querySelector("[data-tip]");

function show(event) {
  const mark = event.target.closest(".marks a");
  tip.hidden = !mark;
  if (!mark) return;
  const title = mark.querySelector("title") ?? mark;
  // The browser's own tip would say the same a second time, so the title becomes the name.
  if (title !== mark) {
    mark.setAttribute("aria-label", title.textContent);
    title.remove();
  }
  tip.textContent = mark.getAttribute("aria-label");
  const frame = plane.getBoundingClientRect();
  const at = mark.getBoundingClientRect();
  const left = at.left + at.width / 2 - frame.left - tip.offsetWidth / 2;
  const above = at.top - frame.top - tip.offsetHeight - 8;
  tip.style.left = `${Math.max(0, Math.min(left, frame.width - tip.offsetWidth))}px`;
  tip.style.top = `${above < 0 ? at.bottom - frame.top + 8 : above}px`;
}

for (const name of ["pointerover", "focusin"]) plane.addEventListener(name, show);
for (const name of ["pointerleave", "focusout"]) plane.addEventListener(name, () => (tip.hidden = true));
