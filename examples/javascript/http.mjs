// Calls over HTTP, for scripts and servers that do not need to watch anything.
import { ConvexHttpClient } from "convex/browser";
import { anyApi as api } from "convex/server";

const address = process.argv[2] ?? "http://127.0.0.1:3210";
const channel = process.argv[3] ?? "general";
const client = new ConvexHttpClient(address);

await client.mutation(api.messages.send, { channel, author: "script", body: "hello over HTTP" });
const messages = await client.query(api.messages.list, { channel });
console.log(messages.map((message) => `${message.author}: ${message.body}`));
