// What a player has clicked and not yet been told the end of. It is kept in this tab until the page says that it is
// settled, and is told to the page again after every reload: a server that died in between has done it once or not at
// all, and by its name it does it once.
//
// An element says what a click on it means: <button data-intention='{"kind": "buy", "upgradeId": "…"}'>. Every intention
// has a number in this page. As long as the page's program has not taken that number (data-taken says how far it is), what
// it shows knows nothing of the click, so the browser shows it by itself: kaizenForesee, where a page has it.
(() => {
  const KEY = "kaizen.pending";
  const KEPT_MS = 60 * 60 * 1000;
  const numbers = new Map(); // those told to this page, by name
  let ahead = []; // those that it has not taken yet, in the order in which they were told

  const read = () => {
    try {
      return JSON.parse(sessionStorage.getItem(KEY)) || [];
    } catch {
      return [];
    }
  };
  const write = (intentions) => {
    try {
      sessionStorage.setItem(KEY, JSON.stringify(intentions));
    } catch {
      // storage is switched off: a reload forgets what was under way
    }
  };
  const newId = () =>
    Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  const tell = (intention) => {
    const name = intention.requestId;
    if (!numbers.has(name)) {
      numbers.set(name, numbers.size + 1);
      ahead.push(intention);
    }
    emitEvent("kaizen_intention", { ...intention, number: numbers.get(name) });
  };

  // A button whose click nobody has taken says that it waits. One that foresees shows more than that.
  const mark = () => {
    const waiting = new Set(ahead.map((each) => each.means));
    for (const element of document.querySelectorAll("[data-intention]:not([data-ahead])")) {
      const isWaiting = waiting.has(element.dataset.intention);
      if (isWaiting !== element.hasAttribute("data-waiting")) element.toggleAttribute("data-waiting", isWaiting);
    }
  };

  let isForeseen = false;
  const show = () => {
    if (!ahead.length && !isForeseen) return;
    const taken = Number(document.querySelector("[data-taken]")?.dataset.taken ?? 0);
    ahead = ahead.filter((each) => numbers.get(each.requestId) > taken);
    window.kaizenForesee?.(ahead);
    mark();
    isForeseen = ahead.length > 0;
  };

  // Who is playing: what one player has clicked is not done for the next one in the same tab.
  const owner = () => document.querySelector("[data-taken]")?.dataset.owner ?? "";

  const intend = (means, keptMs = KEPT_MS) => {
    const intention = { ...JSON.parse(means), means, requestId: newId(), at: Date.now(), keptMs, owner: owner() };
    write([...read(), intention]);
    tell(intention);
    show();
  };

  window.kaizenPending = {
    intend,
    settled: (requestId) => write(read().filter((each) => each.requestId !== requestId)),
    waiting: () => read().length,
    // The page calls this when it can carry out intentions: at its start.
    resume: () => {
      const own = read().filter((each) => each.owner === owner());
      const young = own.filter((each) => Date.now() - each.at < (each.keptMs ?? KEPT_MS));
      const forgotten = own.length - young.length;
      write(young);
      if (forgotten) emitEvent("kaizen_forgotten", { count: forgotten });
      for (const intention of young) tell({ ...intention, again: true });
      show();
    },
  };

  // A key that is held down is one click: the browser would make thirty a second of it.
  document.addEventListener("keydown", (event) => {
    if (event.repeat && event.key === "Enter" && event.target.closest?.("[data-intention]")) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const element = event.target.closest("[data-intention]");
    if (!element || element.disabled || element.getAttribute("aria-disabled") === "true") return;
    const kept = element.dataset.keptMs;
    intend(element.dataset.intention, kept ? Number(kept) : undefined);
  });
  // What arrives for the page arrives whole, and this runs before it is painted: nothing flickers when the page catches up.
  new MutationObserver(show).observe(document, {
    subtree: true, childList: true, attributes: true, attributeFilter: ["data-taken", "data-ahead", "data-balance"],
  });
})();
