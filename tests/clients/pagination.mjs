// usePaginatedQuery of convex/react, mounted in a jsdom page with React itself, driven by a Python test: after every render
// that changed something it prints `{status, bodies}` as a JSON line; `more N` on standard input loads N more.
//
// Usage: node pagination.mjs URL ROOM PAGE_SIZE

import { createInterface } from "node:readline";
import { JSDOM } from "jsdom";

const [url, room, pageSize] = process.argv.slice(2);

// The globals that React and the client look for come from the page, as they would in a browser.
const page = new JSDOM("<!doctype html><div id=root></div>", { url: "http://127.0.0.1/", pretendToBeVisual: true });
globalThis.window = page.window;
globalThis.document = page.window.document;
globalThis.WebSocket = page.window.WebSocket;

const React = (await import("react")).default;
const { createRoot } = await import("react-dom/client");
const { ConvexProvider, ConvexReactClient, usePaginatedQuery } = await import("convex/react");
const { makeFunctionReference } = await import("convex/server");

const say = (message) => process.stdout.write(JSON.stringify(message) + "\n");
const list = makeFunctionReference("entries:list");
let loadMore = () => {};
let shown = "";

function Feed() {
  const feed = usePaginatedQuery(list, { room }, { initialNumItems: Number(pageSize) });
  loadMore = feed.loadMore;
  React.useEffect(() => {
    const state = { status: feed.status, bodies: feed.results.map((entry) => entry.body) };
    const text = JSON.stringify(state);
    if (text === shown) return;
    shown = text;
    say({ event: "render", ...state });
  });
  return React.createElement(
    "ul",
    null,
    feed.results.map((entry) => React.createElement("li", { key: entry._id }, entry.body)),
  );
}

const client = new ConvexReactClient(url, { unsavedChangesWarning: false });
createRoot(document.getElementById("root")).render(
  React.createElement(ConvexProvider, { client }, React.createElement(Feed)),
);

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const [word, count] = line.split(" ");
  if (word === "more") loadMore(Number(count));
  if (word === "dom") say({ event: "dom", bodies: [...document.querySelectorAll("li")].map((item) => item.textContent) });
});
lines.on("close", () => process.exit(0));
