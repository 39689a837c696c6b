// What a purchase brings, shown in the instant of the click. The page's program has written into each card what it will
// look like after the next clicks, and what each of them costs; this only counts clicks, and subtracts. The program's own
// figures follow as soon as it has heard of the click, and the server's after those.
//
//   <button data-intention='…' data-ahead='[[cost, filled, [text, …]], …]'>    now, after one more click, after two …
//     <span data-slot="0">text</span> … <span data-filled></span>
//   <strong data-purse="gold" data-balance="990" data-whole-below="1000000">990</strong>
(() => {
  const SUFFIXES = ["", "K", "M", "B", "T", "Qa"];

  // As formatting.py writes them; a balance is a whole number of at most 2^53.
  const exact = (number) => number.toLocaleString("en-US");
  const short = (number) => {
    const digits = String(number), size = digits.length - 1;
    if (size < 3) return digits;
    const whole = (size % 3) + 1;
    const decimals = digits.slice(whole, 3).replace(/0+$/, "");
    return digits.slice(0, whole) + (decimals && "." + decimals) + SUFFIXES[Math.floor(size / 3)];
  };

  // The text itself is exchanged and not its node, which belongs to the page's program.
  const write = (element, text) => {
    const node = element?.firstChild;
    if (node && node.nodeValue !== text) node.nodeValue = text;
  };

  const isSame = (one, other) => one.kind === other.kind && one.upgradeId === other.upgradeId && one.amount === other.amount;

  window.kaizenForesee = (intentions) => {
    const purses = new Map([...document.querySelectorAll("[data-purse]")].map((element) =>
      [element.dataset.purse, { element, balance: Number(element.dataset.balance) }]));
    const cards = [...document.querySelectorAll("[data-ahead]")].map((element) =>
      ({ element, means: JSON.parse(element.dataset.intention), ahead: JSON.parse(element.dataset.ahead), clicks: 0 }));
    for (const intention of intentions) {
      const card = cards.find((each) => isSame(each.means, intention));
      const purse = card && purses.get(card.element.dataset.paidFrom);
      const cost = card?.ahead[card.clicks][0];
      // What cannot be paid is not shown as bought: the server will say what is missing.
      if (!purse || cost === null || cost > purse.balance || card.clicks + 1 >= card.ahead.length) continue;
      purse.balance -= cost;
      card.clicks += 1;
    }
    for (const { element, ahead, clicks } of cards) {
      const [, filled, texts] = ahead[clicks];
      texts.forEach((text, slot) => write(element.querySelector(`[data-slot="${slot}"]`), text));
      element.querySelector("[data-filled]")?.style.setProperty("--part", filled);
    }
    for (const { element, balance } of purses.values()) {
      write(element, balance < Number(element.dataset.wholeBelow) ? exact(balance) : short(balance));
      element.title = exact(balance);
    }
  };
})();
