"""Drives an MCP server with the Python client; see ../README.md."""

import json
import subprocess
import sys
import warnings
from contextlib import AsyncExitStack

import anyio
import httpx2
import mcp_types as types
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import ResourcesListChanged, ToolsListChanged

warnings.simplefilter("ignore")
STATELESS = "2026-07-28"
PATIENCE = 60


class Conversation:
    def __init__(self, script):
        self.script = script
        self.stateless = script["revision"] == STATELESS
        self.level = None
        self.heard = {"progress": [], "logs": [], "forms": [], "changes": []}
        self.changed = {"tools": anyio.Event(), "resources": anyio.Event()}

    def server(self):
        server = self.script["server"]
        if "url" in server:
            http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {server['token']}"}, timeout=PATIENCE)
            return streamable_http_client(server["url"], http_client=http)
        return StdioServerParameters(
            command=server["command"], args=server["args"], env=server["env"], cwd=server["cwd"]
        )

    async def logged(self, params):
        self.heard["logs"].append({"level": params.level, "logger": params.logger, "data": params.data})

    async def progressed(self, progress, total, message):
        self.heard["progress"].append({"progress": progress, "total": total, "message": message})

    async def asked(self, context, params):
        schema = params.requested_schema
        schema = schema if isinstance(schema, dict) else schema.model_dump(mode="json", by_alias=True)
        self.heard["forms"].append({"message": params.message, "schema": schema})
        answer = self.script["elicitation"]
        return types.ElicitResult(action=answer["action"], content=answer.get("content"))

    async def notified(self, message):
        # Without sessions they come by the subscription, which has them told here as well.
        if self.stateless:
            return
        if isinstance(message, types.ToolListChangedNotification):
            self.note("tools")
        elif isinstance(message, types.ResourceListChangedNotification):
            self.note("resources")

    def note(self, what):
        self.heard["changes"].append(what)
        self.changed[what].set()

    async def follow(self, subscription):
        async for event in subscription:
            if isinstance(event, ToolsListChanged):
                self.note("tools")
            elif isinstance(event, ResourcesListChanged):
                self.note("resources")

    async def pages(self, fetch, items):
        found, cursor = [], None
        while True:
            page = await fetch(cursor=cursor)
            found += [item.model_dump(mode="json", by_alias=True, exclude_none=True) for item in getattr(page, items)]
            cursor = page.next_cursor
            if cursor is None:
                return found

    async def step(self, client, step):
        kind = step["do"]
        if kind == "tools":
            return await self.pages(client.list_tools, "tools")
        if kind == "resources":
            return await self.pages(client.list_resources, "resources")
        if kind == "templates":
            return await self.pages(client.list_resource_templates, "resource_templates")
        if kind == "read":
            return self.dumped(await client.read_resource(step["uri"]))
        if kind == "call":
            return self.dumped(await self.call(client, step))
        if kind == "call_and_cancel":
            with anyio.move_on_after(step["after"]):
                return self.dumped(await self.call(client, step))
            return {"cancelled": True}
        if kind == "level":
            self.level = step["level"]
            return None if self.stateless else self.dumped(await client.set_logging_level(step["level"]))
        if kind == "run":
            ran = await anyio.to_thread.run_sync(
                lambda: subprocess.run(step["argv"], env=step["env"], cwd=step["cwd"], capture_output=True, text=True)
            )
            return {"code": ran.returncode, "stderr": ran.stderr}
        if kind == "await_change":
            with anyio.fail_after(PATIENCE):
                await self.changed[step["what"]].wait()
            return {"changed": step["what"]}
        if kind == "sleep":
            await anyio.sleep(step["seconds"])
            return None
        raise ValueError(f"no step {kind}")

    async def call(self, client, step):
        meta = {"io.modelcontextprotocol/logLevel": self.level} if self.stateless and self.level else None
        return await client.call_tool(
            step["name"], step.get("arguments", {}), progress_callback=self.progressed, meta=meta
        )

    @staticmethod
    def dumped(result):
        return result.model_dump(mode="json", by_alias=True, exclude_none=True)

    async def run(self):
        can_ask = "elicitation" in self.script
        results = []
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(
                Client(
                    self.server(),
                    mode=STATELESS if self.stateless else "legacy",
                    logging_callback=self.logged,
                    message_handler=self.notified,
                    elicitation_callback=self.asked if can_ask else None,
                    cache=None,
                )
            )
            tasks = await stack.enter_async_context(anyio.create_task_group())
            if self.stateless:
                listening = client.listen(tools_list_changed=True, resources_list_changed=True)
                tasks.start_soon(self.follow, await stack.enter_async_context(listening))
            for step in self.script["steps"]:
                try:
                    results.append(await self.step(client, step))
                except MCPError as error:
                    results.append({"error": {"code": error.code, "message": str(error)}})
            revision = client.protocol_version
            tasks.cancel_scope.cancel()
        return {"revision": revision, "results": results, **self.heard}


print(json.dumps(anyio.run(Conversation(json.loads(sys.argv[1])).run)))
