// Light or dark: what the visitor chose last, else what their system says.
document.documentElement.lang = "en"; // for those who have the page read to them
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => {
    try {
      return localStorage.getItem("kaizen-theme");
    } catch {
      return null; // storage is switched off: the choice lasts for this page
    }
  };
  const show = (theme) => {
    document.documentElement.dataset.theme = theme;
  };
  const follow = () => show(chosen() ?? (system.matches ? "dark" : "light"));
  follow();
  system.addEventListener("change", follow);
  addEventListener("storage", follow); // another tab has switched
  window.kaizenTheme = {
    toggle() {
      const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
      try {
        localStorage.setItem("kaizen-theme", theme);
      } catch {
        // as above
      }
      show(theme);
    },
  };
})();
