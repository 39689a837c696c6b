// Lets a Python test drive the official JavaScript clients: commands arrive as JSON lines on standard input, and each is
// answered by one line with the same id; what happens in between (a new query result, a token wanted, a console warning)
// is a line of its own with an `event`. Values cross in the clients' own encoded JSON, so that none is lost on the way.
//
// One process holds any number of clients. `tests/scenarios/js_client.py` is the other end.

import { createInterface } from "node:readline";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { ConvexError, convexToJson, jsonToConvex } from "convex/values";

const clients = new Map();
const subscriptions = new Map();
const wantedTokens = new Map();
let tokensAsked = 0;

const say = (message) => process.stdout.write(JSON.stringify(message) + "\n");

// The clients report trouble on the console, which tests want to see and which must not mix with the answers.
for (const level of ["log", "info", "warn", "error", "debug"]) {
  console[level] = (...parts) => say({ event: "console", level, text: parts.map(String).join(" ") });
}
process.on("uncaughtException", (error) => say({ event: "uncaught", text: String(error?.message ?? error) }));
process.on("unhandledRejection", (error) => say({ event: "uncaught", text: String(error?.message ?? error) }));

function describe(error) {
  const described = { name: error?.name ?? typeof error, message: String(error?.message ?? error) };
  if (error instanceof ConvexError) {
    described.isConvexError = true;
    described.data = convexToJson(error.data);
  }
  return described;
}

// What a page would do while it waits: show the message at the end of the list, and the new balance at once.
const optimisticUpdates = {
  appendMessage(store, { channel, author, body }) {
    const shown = store.getQuery(makeFunctionReference("messages:list"), { channel });
    if (shown === undefined) return;
    const draft = { _id: "draft", _creationTime: Date.now(), channel, author, body };
    store.setQuery(makeFunctionReference("messages:list"), { channel }, [...shown, draft]);
  },
};

const commands = {
  open({ client, url, options }) {
    clients.set(client, new ConvexClient(url, { unsavedChangesWarning: false, ...options }));
  },
  openHttp({ client, url, options }) {
    clients.set(client, new ConvexHttpClient(url, { skipConvexDeploymentUrlCheck: true, ...options }));
  },
  async close({ client }) {
    const closing = clients.get(client);
    clients.delete(client);
    if (closing instanceof ConvexClient) await closing.close();
  },
  subscribe({ client, path, args, subscription }) {
    const stop = clients.get(client).onUpdate(
      makeFunctionReference(path),
      jsonToConvex(args),
      (value) => say({ event: "update", subscription, value: convexToJson(value) }),
      (error) => say({ event: "update", subscription, error: describe(error) }),
    );
    subscriptions.set(subscription, stop);
  },
  unsubscribe({ subscription }) {
    subscriptions.get(subscription)();
    subscriptions.delete(subscription);
  },
  async query({ client, path, args }) {
    return convexToJson(await clients.get(client).query(makeFunctionReference(path), jsonToConvex(args)));
  },
  async mutation({ client, path, args, optimistic }) {
    const options = optimistic ? { optimisticUpdate: optimisticUpdates[optimistic] } : undefined;
    return convexToJson(await clients.get(client).mutation(makeFunctionReference(path), jsonToConvex(args), options));
  },
  async action({ client, path, args }) {
    return convexToJson(await clients.get(client).action(makeFunctionReference(path), jsonToConvex(args)));
  },
  async consistentQuery({ client, path, args }) {
    return convexToJson(await clients.get(client).consistentQuery(makeFunctionReference(path), jsonToConvex(args)));
  },
  setAuth({ client, token }) {
    const target = clients.get(client);
    if (target instanceof ConvexHttpClient) return target.setAuth(token);
    target.setAuth(
      ({ forceRefreshToken }) =>
        new Promise((resolve) => {
          const request = ++tokensAsked;
          wantedTokens.set(request, resolve);
          say({ event: "tokenWanted", client, request, forceRefreshToken });
        }),
      (isAuthenticated) => say({ event: "authChanged", client, isAuthenticated }),
    );
  },
  giveToken({ request, token }) {
    wantedTokens.get(request)(token);
    wantedTokens.delete(request);
  },
  clearAuth({ client }) {
    const target = clients.get(client);
    (target instanceof ConvexHttpClient ? target : target.client).clearAuth();
  },
  setAdminAuth({ client, key, identity }) {
    clients.get(client).setAdminAuth(key, identity);
  },
  connectionState({ client }) {
    const { isWebSocketConnected, connectionCount, connectionRetries, hasInflightRequests } =
      clients.get(client).connectionState();
    return { isWebSocketConnected, connectionCount, connectionRetries, hasInflightRequests };
  },
};

async function carryOut({ id, command, ...parameters }) {
  try {
    say({ id, ok: (await commands[command](parameters)) ?? null });
  } catch (error) {
    say({ id, error: describe(error) });
  }
}

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => void carryOut(JSON.parse(line)));
lines.on("close", () => process.exit(0));
say({ event: "ready" });
