// Keys that click: <button data-hotkey="1"> is clicked by the key 1, wherever the focus is but where something is typed.
// And a menu that is open closes as menus do: by Escape, or by a click elsewhere.
addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (event.target.closest?.("input, select, textarea, [contenteditable]")) return;
  const element = document.querySelector(`[data-hotkey="${CSS.escape(event.key.toLowerCase())}"]`);
  // What lies under a dialog waits for it, and what needs the server for the server.
  if (document.querySelector(".q-dialog")) return;
  if (document.body.classList.contains("k-offline") && !element?.dataset.intention) return;
  if (!element || element.disabled || element.getAttribute("aria-disabled") === "true") return;
  event.preventDefault();
  element.click();
  // As a click by hand would look.
  element.classList.add("is-pressed");
  setTimeout(() => element.classList.remove("is-pressed"), 120);
});

const closeMenus = (but) => {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) if (!menu.contains(but)) menu.open = false;
};
addEventListener("pointerdown", (event) => closeMenus(event.target));
addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details[data-menu][open]");
  if (!menu) return;
  closeMenus(null);
  menu.querySelector("summary").focus();
});
