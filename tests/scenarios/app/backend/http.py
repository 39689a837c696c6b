"""One route of the application's own."""

from parabola import ActionCtx, HttpRouter, Request, Response, http_action

http = HttpRouter()


@http_action
async def hello(ctx: ActionCtx, request: Request) -> Response:
    return Response(f"hello {request.method}")


http.route(path="/hello", method="GET", handler=hello)
