"""Calls over HTTP, for scripts and servers that do not need to watch anything."""

import sys

from convex.http_client import ConvexHttpClient

address = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:3210"
channel = sys.argv[2] if len(sys.argv) > 2 else "general"
client = ConvexHttpClient(address)

client.mutation("messages:send", {"channel": channel, "author": "script", "body": "hello over HTTP"})
print([f"{message['author']}: {message['body']}" for message in client.query("messages:list", {"channel": channel})])
