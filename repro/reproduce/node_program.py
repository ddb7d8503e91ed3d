"""A reproduction in JavaScript: the package from npm, as an application would use it.

It prints a word after each thing that worked (see `repro.probe.reproduction`), and lets the error escape.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence

from repro.reproduce.case import Case, Part, at_once, having, keys_made
from repro.reproduce.drivers import Driver
from repro.reproduce.place import GREETINGS, MADE_UP, Place
from repro.reproduce.text import Lines, indented, joined

_WHO = "SELECT pg_backend_pid() AS pid"


def render(driver: Driver, case: Case, place: Place, head: Sequence[str]) -> str:
    """The program as text.

    Args:
        driver: which one.
        case: the parts that it is made of.
        place: where its target is.
        head: lines of its first comment.
    """
    return joined(
        [f"// {line}".rstrip() for line in head],
        [*_imports(driver, case), *(["import net from 'node:net';"] if place.serves else [])],
        _server(place),
        _url(driver, case, place),
        _pointed(driver, case),
        *_body(driver, case),
    )


def _imports(driver: Driver, case: Case) -> Lines:
    imports = list(_IMPORTS[driver.probe])
    if driver.probe.startswith("node.drizzle") and (having(case, "observe", "setup", "insert")):
        imports.insert(0, "import { sql } from 'drizzle-orm';")
    if _has_its_own_copy(driver) and _pointed(driver, case):
        imports += [
            "import { createRequire } from 'node:module';",
            "import { pathToFileURL } from 'node:url';",
        ]
    return imports


def _has_its_own_copy(driver: Driver) -> bool:
    """Whether Neon's package comes with the driver, where an import of it may find another copy."""
    return "@vercel/postgres" in driver.packages


_OWN_COPY = (
    "// @vercel/postgres may have a copy of Neon's package of its own, and a neonConfig with it",
    "const { resolve } = createRequire(createRequire(import.meta.url).resolve('@vercel/postgres'));",
    "const copy = resolve('@neondatabase/serverless').replace(/index\\.js$/, 'index.mjs');",
    "const { neonConfig } = await import(pathToFileURL(copy));",
)


_IMPORTS: Mapping[str, Sequence[str]] = {
    "node.pg": ("import pg from 'pg';",),
    "node.neon-ws": ("import { neonConfig, Pool } from '@neondatabase/serverless';", "import ws from 'ws';"),
    "node.neon-http": ("import { neon, neonConfig } from '@neondatabase/serverless';",),
    "node.vercel": ("import { createPool } from '@vercel/postgres';",),
    "node.drizzle-vercel-sql": (
        "import { drizzle } from 'drizzle-orm/vercel-postgres';",
        "import { sql as client } from '@vercel/postgres';",
    ),
    "node.drizzle-vercel-pool": (
        "import { drizzle } from 'drizzle-orm/vercel-postgres';",
        "import { createPool } from '@vercel/postgres';",
    ),
    "node.drizzle-pg": ("import { drizzle } from 'drizzle-orm/node-postgres';", "import pg from 'pg';"),
    "node.ioredis": ("import Redis from 'ioredis';",),
    "node.upstash": ("import { Redis } from '@upstash/redis';",),
}


def _server(place: Place) -> Lines:
    """A server that stands in for the target."""
    if not place.serves:
        return []
    greeting = GREETINGS.get(place.stand_in or "nobody")
    does = {"silent": "", "closes": "socket.once('data', () => socket.end());"}.get(
        place.stand_in or "", f"socket.end({json.dumps(greeting)});"
    )
    return [
        "// stands in for the target",
        "const listener = net.createServer((socket) => {",
        "  socket.on('error', () => {});",
        *([f"  {does}"] if does else []),
        "});",
        "listener.unref();",
        "await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));",
    ]


def _url(driver: Driver, case: Case, place: Place) -> Lines:
    """The target's URL, with the parameters that the failure needs and no other ones."""
    parameters = having(case, "parameter")
    if place.stand_in is not None:
        query = "&".join(f"{part.name}={part.text or MADE_UP}" for part in parameters)
        port = "${listener.address().port}" if place.serves else place.fixed_port
        lines = [f"const url = {_template(place.base(port) + (f'?{query}' if query else ''))};"]
    else:
        query = "&".join(f"{part.name}={part.text}" if part.text else _hidden(part) for part in parameters)
        asked = f"const QUERY = new URL(process.env.{place.variable}).searchParams;"
        lines = [asked] if any(not part.text for part in parameters) else []
        end = f" + {_template(f'?{query}')}" if query else ""
        lines.append(f"const url = process.env.{place.variable}.split('?')[0]{end};")
    if driver.probe == "node.drizzle-vercel-sql":
        lines.append("process.env.POSTGRES_URL = url; // the default client reads it from there")
    return lines


def _hidden(part: Part) -> str:
    return f"{part.name}=${{encodeURIComponent(QUERY.get({json.dumps(part.name)}))}}"


def _template(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`" if "${" in text or "'" in text else f"'{escaped}'"


def _pointed(driver: Driver, case: Case) -> Lines:
    """Where Neon's package is to dial, where that is not what it derives from the URL."""
    names = {part.name for part in having(case, "variable")}
    lines: Lines = []
    if driver.probe == "node.neon-ws":
        lines.append("neonConfig.webSocketConstructor = ws; // Node 20 has none of its own")
    if "NEON_WS_PROXY" in names and driver.transport == "websocket":
        lines.append("neonConfig.wsProxy = process.env.NEON_WS_PROXY;")
    if "NEON_FETCH_ENDPOINT" in names and driver.probe == "node.neon-http":
        lines.append("neonConfig.fetchEndpoint = process.env.NEON_FETCH_ENDPOINT;")
    if "NEON_PIPELINE_CONNECT" in names and driver.transport == "websocket":
        lines.append("neonConfig.pipelineConnect = process.env.NEON_PIPELINE_CONNECT !== 'false';")
    return [*_OWN_COPY, *lines] if lines and _has_its_own_copy(driver) else lines


_POOLS = {
    "node.pg": "new pg.Pool({ connectionString: url })",
    "node.neon-ws": "new Pool({ connectionString: url })",
    "node.vercel": "createPool({ connectionString: url })",
    "node.drizzle-vercel-sql": "client",
    "node.drizzle-vercel-pool": "createPool({ connectionString: url })",
    "node.drizzle-pg": "new pg.Pool({ connectionString: url })",
}

_NOT_ATOMIC = [
    "class NotAtomic extends Error {}",
    "const seen = []; // the connections on which each transaction ran",
]


def _body(driver: Driver, case: Case) -> list[Lines]:
    if driver.effect == "push":
        return [_push(driver, case)]
    if driver.probe == "node.neon-http":
        return [_batch(case)]
    write = _drizzle if driver.probe.startswith("node.drizzle") else _pooled
    blocks = write(_POOLS[driver.probe], case)
    return [*([_NOT_ATOMIC] if having(case, "observe") else []), *blocks]


def _pooled(pool: str, case: Case) -> list[Lines]:
    """A pool of pg's interface."""
    opened = [f"const pool = {pool};", "pool.on('error', () => {});"]
    if not having(case, "transaction"):
        return [
            [*opened, "const client = await pool.connect();", "console.log('opened');", "client.release();"]
        ]
    inside = [
        "await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');",
        "console.log('begun');",
        *_inside(
            case,
            lambda part: f"client.query({_statement(part)})",
            f"(await client.query({_text(_WHO)})).rows[0].pid",
        ),
        "await client.query('COMMIT');",
        "console.log('committed');",
        "client.release();",
    ]
    work = ["const transaction = async (client) => {", *indented(inside, 2), "};"]
    first = ["const client = await pool.connect();", "console.log('opened');"]
    return [opened, work, first, _run(case, "transaction(client)", "pool.connect().then(transaction)")]


def _drizzle(client: str, case: Case) -> list[Lines]:
    """drizzle-orm's `db.transaction(callback)`, which dials when it needs to."""
    opened = [
        *([f"const client = {client};"] if client != "client" else []),
        "client.on?.('error', () => {});",
    ]
    opened += ["const db = drizzle(client);", "console.log('opened');"]
    if not having(case, "transaction"):
        return [opened]
    inside = [
        "console.log('begun');",
        *_inside(case, _of_drizzle, f"(await tx.execute(sql.raw({_text(_WHO)}))).rows[0].pid"),
    ]
    work = [
        "const transaction = async () => {",
        "  await db.transaction(async (tx) => {",
        *indented(inside, 4),
    ]
    work += ["  });", "  console.log('committed');", "};"]
    return [opened, work, _run(case, "transaction()", "transaction()")]


def _run(case: Case, first: str, other: str) -> Lines:
    """The transaction once, or several times at once; then whether each stayed on one connection."""
    count = at_once(case)
    several = f"Promise.allSettled(Array.from({{ length: {count} }}, () => {other}))"
    lines = [f"await {first};"] if count == 1 else [f"const settled = await {several};"]
    if having(case, "observe"):
        lines += [
            "const split = seen.filter((connections) => connections.size > 1).length;",
            "const told = `${split} of ${seen.length} transactions ran on several connections`;",
            "if (split) throw new NotAtomic(told);",
        ]
    if count > 1:
        lines += ["for (const { reason } of settled) if (reason) throw reason;"]
    return lines


def _inside(case: Case, execute: Callable[[Part], str], observe: str) -> Lines:
    """What stands inside of BEGIN and COMMIT; it asks after each statement which connection has answered."""
    observed = [f"connections.add({observe});"] if having(case, "observe") else []
    lines = [*(["const connections = new Set();", "seen.push(connections);"] if observed else []), *observed]
    for part in having(case, "setup", "insert"):
        lines += [f"await {execute(part)};", *observed]
    if having(case, "insert"):
        lines.append("console.log('inserted');")
    elif observed:
        lines += [*([_PAUSE] if at_once(case) > 1 else []), *observed]
    return lines


_PAUSE = (
    "await new Promise((resolve) => setTimeout(resolve, 5)); // an application waits for something else here"
)


def _text(sql: str) -> str:
    """A statement as a literal."""
    if "\n" in sql and not re.search(r"[`\\]|\$\{", sql):
        return f"`{sql}`"
    return f"'{sql}'" if sql.isprintable() and not re.search(r"['\\]", sql) else json.dumps(sql)


def _statement(part: Part) -> str:
    return _text(part.text) if not part.params else f"{_text(part.text)}, {json.dumps(list(part.params))}"


def _of_drizzle(part: Part) -> str:
    """Drizzle has its own placeholders: a template, in which each value is a parameter."""
    if not part.params:
        return f"tx.execute(sql.raw({_text(part.text)}))"
    template = re.sub(
        r"\$(\d+)",
        lambda found: "${sql.param(" + json.dumps(part.params[int(found[1]) - 1]) + ")}",
        part.text,
    )
    return f"tx.execute(sql`{template}`)"


def _batch(case: Case) -> Lines:
    statements = having(case, "setup", "insert") if having(case, "transaction") else []
    queries = [f"sql.query({_statement(part)})," for part in statements] or ["sql.query('SELECT 1'),"]
    return [
        "const sql = neon(url);",
        "await sql.transaction([",
        *indented(queries, 2),
        "], { isolationLevel: 'ReadCommitted' });",
        "console.log('committed');",
    ]


def _push(driver: Driver, case: Case) -> Lines:
    commands = having(case, "command")
    if driver.probe == "node.ioredis":
        lines = [
            "const redis = new Redis(url, { lazyConnect: true, retryStrategy: () => null });",
            "let last = null;",
            "redis.on('error', (error) => (last = error)); // what connect() rejects with hides it",
            "const known = (error) => {",
            "  throw Object.assign(error, last && last !== error ? { cause: last } : {});",
            "};",
            "await redis.connect().catch(known);",
            "console.log('opened');",
        ]
        for part in commands:
            lines += [
                f"await redis.call({', '.join(map(json.dumps, part.params))}).catch(known);",
                "console.log('pushed');",
                *(f"await redis.del({json.dumps(key)});" for key in keys_made(part)),
            ]
        return [*lines, "redis.disconnect();"]
    lines = [
        "const token = process.env.UPSTASH_REDIS_REST_TOKEN ?? 'token';",
        "const redis = new Redis({ url, token, retry: { retries: 0 } });",
    ]
    for part in commands:
        lines += [f"await {_of_upstash(part)};", "console.log('pushed');"]
        lines += [f"await redis.del({json.dumps(key)});" for key in keys_made(part)]
    return lines


def _of_upstash(part: Part) -> str:
    name, *arguments = map(str, part.params)
    if name == "EVAL":
        script, count, *rest = arguments
        keys, values = rest[: int(count)], rest[int(count) :]
        return f"redis.eval({json.dumps(script)}, {json.dumps(keys)}, {json.dumps(values)})"
    return f"redis.{name.lower()}({', '.join(map(json.dumps, arguments))})"
