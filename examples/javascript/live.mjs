// One client watches a channel, a second one writes to it, and the first sees the message. Nothing here knows of Parabola.
import { ConvexClient } from "convex/browser";
import { anyApi as api } from "convex/server";

const address = process.argv[2] ?? "http://127.0.0.1:3210";
const channel = process.argv[3] ?? "general";
const reader = new ConvexClient(address);
const writer = new ConvexClient(address);

let sawMessage = () => {};
const seen = new Promise((resolve) => (sawMessage = resolve));

reader.onUpdate(api.messages.list, { channel }, (messages) => {
  const bodies = messages.map((message) => message.body);
  console.log("the reader sees", bodies);
  if (bodies.includes("hello from the writer")) sawMessage();
});

const id = await writer.mutation(api.messages.send, { channel, author: "writer", body: "hello from the writer" });
console.log("the writer wrote", id);
await seen;

try {
  await writer.mutation(api.messages.send, { channel, author: "writer", body: "buy spam" });
} catch (error) {
  console.log("the server refused", error.data); // a ConvexError keeps its data
}

await Promise.all([reader.close(), writer.close()]);
