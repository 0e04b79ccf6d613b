// openapi-typescript's types, with openapi-fetch: methods that return the response, and `data` or `error`.

import { deepStrictEqual as same } from "node:assert";
import createClient from "openapi-fetch";
import type { components, paths } from "./client";

const api = createClient<paths>({ baseUrl: process.argv[2] });
const key = { "Idempotency-Key": "openapi-typescript" };

type Answer = { response: Response; error?: components["schemas"]["Problem"] };

function problem(status: number, { response, error }: Answer) {
  same([response.status, error?.status, error?.request_id], [status, status, response.headers.get("X-Request-Id")]);
  return error!;
}

async function main() {
  const create = (body: components["schemas"]["ItemInput"], header = {}) =>
    api.POST("/items", { params: { header }, body });
  const at = (item: { id: number }, header: { "If-Match"?: string; "If-None-Match"?: string } = {}) =>
    ({ params: { path: { id: item.id }, header } });

  const created = await create({ name: "lamp", description: "brass" }, key);
  const lamp = created.data!, first = created.response.headers.get("ETag")!;
  same([created.response.status, lamp.name, lamp.description], [201, "lamp", "brass"]);
  const again = await create({ name: "lamp", description: "brass" }, key);
  same([again.data, again.response.headers.get("Idempotency-Replayed")], [lamp, "true"]);
  problem(422, await create({ name: "desk" }, key));
  same(problem(422, await create({ name: "" })).errors?.map((wrong) => wrong.field), ["name"]);

  const other = (await create({ name: "chair" })).data!;
  const seen = [lamp.id - 1];
  for (let next = true; next; ) {
    const page = await api.GET("/items", { params: { query: { limit: 1, after: seen.at(-1) } } });
    seen.push(...page.data!.map((item) => item.id));
    next = page.response.headers.has("Link");
  }
  same(seen.slice(1), [lamp.id, other.id]);
  problem(400, await api.GET("/items", { params: { query: { limit: 0 } } }));

  same((await api.GET("/items/{id}", at(lamp, { "If-None-Match": '"9", W/"8"' }))).data, lamp);
  same((await api.GET("/items/{id}", at(lamp, { "If-None-Match": first }))).response.status, 304);
  const body = { name: "lamp" };
  const updated = await api.PUT("/items/{id}", { ...at(lamp, { "If-Match": first }), body });
  const second = updated.response.headers.get("ETag");
  same([updated.data?.description, second === first], ["", false]);
  problem(412, await api.PUT("/items/{id}", { ...at(lamp, { "If-Match": first }), body }));
  same((await api.HEAD("/items/{id}", at(lamp))).response.headers.get("ETag"), second);
  problem(412, await api.DELETE("/items/{id}", at(lamp, { "If-Match": first })));
  for (const item of [lamp, other])
    same((await api.DELETE("/items/{id}", at(item, { "If-Match": "*" }))).response.status, 204);
  problem(404, await api.GET("/items/{id}", at(lamp)));
  same((await api.GET("/readyz", { parseAs: "text" })).data?.startsWith("database: ok\n"), true);
}

main();
