// Keys that click: <button data-hotkey="1"> is clicked by the key 1, wherever the focus is but where something is typed.
addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (event.target.closest?.("input, select, textarea, [contenteditable]")) return;
  const element = document.querySelector(`[data-hotkey="${CSS.escape(event.key.toLowerCase())}"]`);
  if (!element || element.disabled || element.getAttribute("aria-disabled") === "true") return;
  event.preventDefault();
  element.click();
  // As a click by hand would look.
  element.classList.add("is-pressed");
  setTimeout(() => element.classList.remove("is-pressed"), 120);
});
