// What a player has clicked and not yet been told the end of. It is kept in this tab until the page says that it is
// settled, and is told to the page again after every reload: a server that died in between has done it once or not at
// all, and by its name it does it once.
//
// An element says what a click on it means: <button data-intention='{"kind": "buy", "upgradeId": "…"}'>.
(() => {
  const KEY = "kaizen.pending";
  const KEPT_MS = 60 * 60 * 1000;

  const read = () => {
    try {
      return JSON.parse(sessionStorage.getItem(KEY)) || [];
    } catch {
      return [];
    }
  };
  const write = (intentions) => sessionStorage.setItem(KEY, JSON.stringify(intentions));
  const newId = () =>
    Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const tell = (intention) => emitEvent("kaizen_intention", intention);

  const intend = (what) => {
    const intention = { ...what, requestId: newId(), at: Date.now() };
    write([...read(), intention]);
    tell(intention);
  };

  window.kaizenPending = {
    intend,
    settled: (requestId) => write(read().filter((each) => each.requestId !== requestId)),
    waiting: () => read().length,
    // The page calls this when it can carry out intentions: at its start.
    resume: () => {
      const young = read().filter((each) => Date.now() - each.at < KEPT_MS);
      const forgotten = read().length - young.length;
      write(young);
      if (forgotten) emitEvent("kaizen_forgotten", { count: forgotten });
      for (const intention of young) tell({ ...intention, again: true });
    },
  };

  document.addEventListener("click", (event) => {
    const element = event.target.closest("[data-intention]");
    if (!element || element.disabled || element.getAttribute("aria-disabled") === "true") return;
    intend(JSON.parse(element.dataset.intention));
  });
})();
