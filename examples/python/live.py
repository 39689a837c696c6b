"""One client watches a channel, a second one writes to it, and the first sees it. Nothing here knows of Parabola."""

import sys

from convex import ConvexClient, ConvexError

address = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:3210"
channel = sys.argv[2] if len(sys.argv) > 2 else "general"
reader = ConvexClient(address)
writer = ConvexClient(address)

subscription = reader.subscribe("messages:list", {"channel": channel})
print("the reader sees", [message["body"] for message in next(subscription)])

message = {"channel": channel, "author": "writer", "body": "hello from the writer"}
print("the writer wrote", writer.mutation("messages:send", message))

for messages in subscription:
    bodies = [message["body"] for message in messages]
    print("the reader sees", bodies)
    if "hello from the writer" in bodies:
        break

try:
    writer.mutation("messages:send", {**message, "body": "buy spam"})
except ConvexError as error:
    print("the server refused", error.data)  # a ConvexError keeps its data
