// What the globals give, and what they should; in Node the same checks pass as well.

type Check = () => Promise<[got: unknown, wanted: unknown]>;

const hex = (buffer: ArrayBuffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

async function* numbers(upTo: number) {
  for (let number = 0; number < upTo; number++) {
    await null;
    yield number;
  }
}

const thrown = (act: () => unknown): string => {
  try {
    act();
    return "nothing";
  } catch (error) {
    return (error as Error).name;
  }
};

export const checks: Record<string, Check> = {
  async "jobs run in order, before timers"() {
    const order: string[] = [];
    setTimeout(() => order.push("timer"), 0);
    queueMicrotask(() => order.push("microtask"));
    Promise.resolve().then(() => order.push("then"));
    order.push("sync");
    await sleep(5);
    return [order, ["sync", "microtask", "then", "timer"]];
  },
  async "timers come by their time, and can be cleared"() {
    const order: number[] = [];
    setTimeout(() => order.push(2), 20);
    setTimeout(() => order.push(1), 5);
    clearTimeout(setTimeout(() => order.push(3), 1));
    const id = setInterval(() => order.push(0), 8);
    await sleep(30);
    clearInterval(id);
    return [[order[0], order.includes(3), order.includes(2), order.filter((n) => n === 0).length >= 2], [1, false, true, true]];
  },
  async "promises are combined"() {
    const late = (value: number, ms: number) => sleep(ms).then(() => value);
    const rejected = Promise.reject(new Error("no"));
    const settled = await Promise.allSettled([late(1, 2), rejected]);
    const any = await Promise.any([Promise.reject(1), late(3, 1)]);
    const none = await Promise.any([Promise.reject(1)]).catch((error) => error.name);
    return [
      [await Promise.all([late(1, 3), 2, late(3, 1)]), await Promise.race([late(1, 9), late(2, 1)]), settled.map(({ status }) => status), any, none],
      [[1, 2, 3], 2, ["fulfilled", "rejected"], 3, "AggregateError"],
    ];
  },
  async "finally, thenables and species"() {
    const log: unknown[] = [];
    await Promise.reject(1).finally(() => log.push("f")).catch((reason) => log.push(reason));
    log.push(await { then: (resolve: (value: string) => void) => resolve("thenable") });
    class Own<T> extends Promise<T> {}
    const own = Own.resolve(1).then((value) => value + 1);
    log.push(own instanceof Own, await own, Object.prototype.toString.call(own));
    return [log, ["f", 1, "thenable", true, 2, "[object Promise]"]];
  },
  async "async generators and for await"() {
    const all: number[] = [];
    for await (const number of numbers(3)) all.push(number);
    return [all, [0, 1, 2]];
  },
  async "newer than Node 20"() {
    const { promise, resolve } = Promise.withResolvers<number>();
    resolve(9);
    const from = await (Array as unknown as { fromAsync(items: AsyncIterable<number>): Promise<number[]> }).fromAsync(numbers(2));
    return [[await promise, from], [9, [0, 1]]];
  },
  async "try, catch and finally around await"() {
    const log: string[] = [];
    const act = async () => {
      try {
        await Promise.reject(new TypeError("x"));
      } catch (error) {
        log.push((error as Error).name);
        return "caught";
      } finally {
        log.push("finally");
      }
    };
    return [[await act(), log], ["caught", ["TypeError", "finally"]]];
  },
  async "UTF-8 there and back"() {
    const text = "aé€😀\u0000";
    const bytes = new TextEncoder().encode(text);
    const bad = new TextDecoder().decode(new Uint8Array([0x61, 0xff, 0xe2, 0x82, 0x62, 0xf0, 0x9f, 0x98]));
    return [[[...bytes], new TextDecoder().decode(bytes) === text, bad, [...new TextEncoder().encode("\ud800")]], [[97, 195, 169, 226, 130, 172, 240, 159, 152, 128, 0], true, "a\ufffd\ufffdb\ufffd", [239, 191, 189]]];
  },
  async "decoding in parts, marks and faults"() {
    const decoder = new TextDecoder();
    const parts = [[0xe2, 0x82], [0xac, 0x61]].map((part) => decoder.decode(new Uint8Array(part), { stream: true }));
    const marked = new Uint8Array([0xef, 0xbb, 0xbf, 0x61]);
    return [
      [parts, decoder.decode(), new TextDecoder().decode(marked), new TextDecoder("utf-8", { ignoreBOM: true }).decode(marked).length, thrown(() => new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([0xff]))), new TextEncoder().encodeInto("a€b", new Uint8Array(4))],
      [["", "€a"], "", "a", 2, "TypeError", { read: 2, written: 4 }],
    ];
  },
  async "a long text goes through"() {
    const text = "añ€".repeat(20_000);
    return [new TextDecoder().decode(new TextEncoder().encode(text)) === text, true];
  },
  async "digests"() {
    const bytes = new TextEncoder().encode("abc");
    const got = await Promise.all(["SHA-1", "SHA-256", "SHA-384", "sha-512"].map(async (name) => hex(await crypto.subtle.digest(name, bytes)).slice(0, 16)));
    return [got, ["a9993e364706816a", "ba7816bf8f01cfea", "cb00753f45a35e8b", "ddaf35a193617aba"]];
  },
  async "randomness has its shapes"() {
    const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
    const array = new Uint32Array(4);
    const draws = Array.from({ length: 50 }, () => Math.random());
    return [[uuid.test(crypto.randomUUID()), crypto.getRandomValues(array) === array && array.some((n) => n > 0), draws.every((n) => n >= 0 && n < 1), new Set(draws).size], [true, true, true, 50]];
  },
  async "URLs"() {
    const url = new URL("../b?q=1&q=2#h", "https://u:p@Example.com:8080/a/x/y");
    url.searchParams.append("ä", "b c");
    return [
      [url.href, url.origin, url.pathname, url.searchParams.getAll("q"), URL.canParse("::"), String(new URLSearchParams({ a: "1 2" })), thrown(() => new URL("x")), new URL("http://1.2.3/").hostname],
      ["https://u:p@example.com:8080/a/b?q=1&q=2&%C3%A4=b+c#h", "https://example.com:8080", "/a/b", ["1", "2"], false, "a=1+2", "TypeError", "1.2.0.3"],
    ];
  },
  async "base 64"() {
    return [[btoa("héllo"), atob("aGk="), thrown(() => btoa("€"))], ["aOlsbG8=", "hi", "InvalidCharacterError"]];
  },
  async "structuredClone copies"() {
    const circle: Record<string, unknown> = { map: new Map([[1, new Set(["a"])]]), date: new Date(0), bytes: new Uint8Array([1, 2]), re: /x/gi, big: 5n };
    circle.self = circle;
    const copy = structuredClone(circle) as typeof circle;
    const error = structuredClone(new RangeError("far"));
    return [
      [copy !== circle, copy.self === copy, (copy.map as Map<number, Set<string>>).get(1)!.has("a"), (copy.date as Date).getTime(), [...(copy.bytes as Uint8Array)], String(copy.re), copy.big === 5n, error instanceof RangeError, error.message, thrown(() => structuredClone(() => 1))],
      [true, true, true, 0, [1, 2], "/x/gi", true, true, "far", "DataCloneError"],
    ];
  },
  async "headers, requests and responses"() {
    const headers = new Headers([["A", "1"], ["a", "2"]]);
    const response = Response.json({ a: 1 }, { status: 201 });
    const request = new Request("https://example.com/x", { method: "post", body: new URLSearchParams({ a: "b" }) });
    const copy = response.clone();
    return [
      [headers.get("A"), [...headers], response.status, response.ok, await response.json(), await copy.text(), response.bodyUsed, request.method, request.headers.get("content-type"), await request.text(), thrown(() => new Headers({ "a b": "1" }))],
      ["1, 2", [["a", "1, 2"]], 201, true, { a: 1 }, '{"a":1}', true, "POST", "application/x-www-form-urlencoded;charset=UTF-8", "a=b", "TypeError"],
    ];
  },
  async "giving up"() {
    const controller = new AbortController();
    let heard = 0;
    controller.signal.addEventListener("abort", () => heard++);
    controller.abort();
    controller.abort();
    const late = AbortSignal.timeout(2);
    await sleep(10);
    return [[heard, controller.signal.aborted, (controller.signal.reason as Error).name, late.aborted, (late.reason as Error).name], [1, true, "AbortError", true, "TimeoutError"]];
  },
  async "clocks go on"() {
    const [wall, steady] = [Date.now(), performance.now()];
    await sleep(12);
    return [[Date.now() - wall >= 11, performance.now() - steady >= 11, Math.abs(performance.timeOrigin + performance.now() - Date.now()) < 50, Date.now() > 1.7e12], [true, true, true, true]];
  },
};
