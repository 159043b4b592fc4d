// Shows the title of a mark beside it at once, also when the keyboard is on it. Without this file the browser shows it, later.

const plane = document.querySelector("[data-map]");
const tip = plane.querySelector("[data-tip]");

// Long enough to move the pointer from the mark over to the tip, which stays as long as it is there.
const LINGER_MS = 300;
let leaving;

function hide() {
  clearTimeout(leaving);
  tip.hidden = true;
}

function hideSoon() {
  clearTimeout(leaving);
  leaving = setTimeout(() => {
    const focused = !tip.hidden && plane.querySelector(".marks a:focus-visible");
    if (focused) show(focused);
    else hide();
  }, LINGER_MS);
}

function show(mark) {
  clearTimeout(leaving);
  tip.hidden = false;
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

plane.addEventListener("pointerover", (event) => {
  const mark = event.target.closest(".marks a");
  if (mark) show(mark);
  else if (event.target === tip) clearTimeout(leaving);
  else hideSoon();
});
plane.addEventListener("pointerleave", hideSoon);
plane.addEventListener("focusin", (event) => {
  const mark = event.target.closest(".marks a");
  if (mark) show(mark);
  else hide();
});
plane.addEventListener("focusout", () => {
  if (!tip.matches(":hover")) hide();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") hide();
});
