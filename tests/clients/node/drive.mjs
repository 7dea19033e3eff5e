// Drives an MCP server with the TypeScript client; see ../README.md.

import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const STATELESS = '2026-07-28';
const PATIENCE = 60_000;

const script = JSON.parse(process.argv[2]);
const stateless = script.revision === STATELESS;
const heard = { progress: [], logs: [], forms: [], changes: [] };
const waiting = { tools: deferred(), resources: deferred() };
let level;

function deferred() {
    let resolve;
    const promise = new Promise((settle) => (resolve = settle));
    return { promise, resolve };
}

function changed(what) {
    heard.changes.push(what);
    waiting[what].resolve();
}

function transport({ url, token, command, args, env, cwd }) {
    if (url) {
        const headers = { Authorization: `Bearer ${token}` };
        return new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
    }
    return new StdioClientTransport({ command, args, env, cwd, stderr: 'inherit' });
}

function within(promise, what) {
    const late = sleep(PATIENCE, undefined, { ref: false }).then(() => {
        throw new Error(`${what} did not come`);
    });
    return Promise.race([promise, late]);
}

async function pages(fetch, items) {
    const found = [];
    let cursor;
    do {
        const page = await fetch(cursor === undefined ? { cursor: undefined } : { cursor });
        found.push(...page[items]);
        // Without a cursor the client has fetched every page by itself.
        cursor = cursor === undefined ? undefined : page.nextCursor;
    } while (cursor !== undefined);
    return found;
}

function call(client, { name, arguments: input = {} }, options = {}) {
    const _meta = stateless && level ? { 'io.modelcontextprotocol/logLevel': level } : undefined;
    const onprogress = (progress) => heard.progress.push(progress);
    return client.callTool({ name, arguments: input, _meta }, { onprogress, timeout: PATIENCE, ...options });
}

function run({ argv: [program, ...args], env, cwd }) {
    return new Promise((resolve) => {
        execFile(program, args, { env, cwd }, (error, _, stderr) => resolve({ code: error?.code ?? 0, stderr }));
    });
}

async function step(client, step) {
    switch (step.do) {
        case 'tools':
            return pages((request) => client.listTools(request), 'tools');
        case 'resources':
            return pages((request) => client.listResources(request), 'resources');
        case 'templates':
            return pages((request) => client.listResourceTemplates(request), 'resourceTemplates');
        case 'read':
            return client.readResource({ uri: step.uri });
        case 'call':
            return call(client, step);
        case 'call_and_cancel': {
            const given = new AbortController();
            const timer = setTimeout(() => given.abort('enough'), step.after * 1000);
            try {
                return await call(client, step, { signal: given.signal });
            } catch (error) {
                if (given.signal.aborted) return { cancelled: true };
                throw error;
            } finally {
                clearTimeout(timer);
            }
        }
        case 'level':
            level = step.level;
            return stateless ? null : client.setLoggingLevel(step.level);
        case 'run':
            return run(step);
        case 'await_change':
            await within(waiting[step.what].promise, `a change of ${step.what}`);
            return { changed: step.what };
        case 'sleep':
            return sleep(step.seconds * 1000, null);
        default:
            throw new TypeError(`no step ${step.do}`);
    }
}

const client = new Client(
    { name: 'openclaw-test-client', version: '1.0.0' },
    {
        capabilities: script.elicitation ? { elicitation: { form: {} } } : {},
        versionNegotiation: { mode: stateless ? { pin: STATELESS } : 'legacy' },
    },
);
client.setNotificationHandler('notifications/message', ({ params }) => {
    heard.logs.push({ level: params.level, logger: params.logger, data: params.data });
});
client.setNotificationHandler('notifications/tools/list_changed', () => changed('tools'));
client.setNotificationHandler('notifications/resources/list_changed', () => changed('resources'));
if (script.elicitation) {
    client.setRequestHandler('elicitation/create', ({ params }) => {
        heard.forms.push({ message: params.message, schema: params.requestedSchema });
        return script.elicitation;
    });
}
await client.connect(transport(script.server));
const subscription = stateless
    ? await client.listen({ toolsListChanged: true, resourcesListChanged: true })
    : undefined;
const results = [];
for (const one of script.steps) {
    try {
        results.push((await step(client, one)) ?? null);
    } catch (error) {
        if (error.code === undefined) throw error;
        results.push({ error: { code: error.code, message: error.message } });
    }
}
const revision = client.getNegotiatedProtocolVersion();
await subscription?.close();
await client.close();
console.log(JSON.stringify({ revision, results, ...heard }));
process.exit(0);
