// Says when this page has lost its server. NiceGUI tries to reconnect by itself, and loads the page anew if the server
// was started again in the meantime; this only tells the player. Buttons with an intention (pending.js) go on working, and
// the style sheet greys out those that need the server.
(() => {
  const show = (lost) => {
    document.body.classList.toggle("k-offline", lost);
    const banner = document.querySelector("[data-testid=connection-banner]");
    if (!banner) return;
    banner.hidden = !lost && !banner.dataset.backendLost;
    if (lost) banner.textContent = "Connection lost. Trying again … What you click meanwhile is kept.";
  };
  const watch = () => {
    if (!window.socket) return void setTimeout(watch, 50);
    window.socket.on("disconnect", () => show(true));
    window.socket.on("connect_error", () => show(true));
    window.socket.on("connect", () => show(false));
  };
  watch();
})();
