// OpenAPI Generator's client for TypeScript: methods that return the body (`…Raw`: with the response), or throw.

import { deepStrictEqual as same } from "node:assert";
import { Configuration, ItemsApi, ProblemFromJSON, ResponseError, ServiceApi } from "./client";

const configuration = new Configuration({ basePath: process.argv[2] });
const api = new ItemsApi(configuration);
const idempotencyKey = "typescript-fetch";

async function failure(call: Promise<unknown>): Promise<Response> {
  const error = await call.then(() => undefined, (error: unknown) => error);
  if (error instanceof ResponseError) return error.response;
  throw error ?? new Error("the call did not fail");
}

async function problem(status: number, call: Promise<unknown>) {
  const response = await failure(call);
  const problem = ProblemFromJSON(await response.json());
  same([response.status, problem.status, problem.requestId], [status, status, response.headers.get("X-Request-Id")]);
  return problem;
}

async function main() {
  const itemInput = { name: "lamp", description: "brass" };
  const created = await api.createItemRaw({ itemInput, idempotencyKey });
  const lamp = await created.value(), first = created.raw.headers.get("ETag")!;
  same([created.raw.status, lamp.name, lamp.description], [201, "lamp", "brass"]);
  same(Math.abs(Date.now() - lamp.createdAt.getTime()) < 60_000, true);
  const again = await api.createItemRaw({ itemInput, idempotencyKey });
  same([await again.value(), again.raw.headers.get("Idempotency-Replayed")], [lamp, "true"]);
  await problem(422, api.createItem({ itemInput: { name: "desk" }, idempotencyKey }));
  same((await problem(422, api.createItem({ itemInput: { name: "" } }))).errors?.map((wrong) => wrong.field), ["name"]);

  const other = await api.createItem({ itemInput: { name: "chair" } });
  const seen = [lamp.id - 1];
  for (let next = true; next; ) {
    const page = await api.listItemsRaw({ limit: 1, after: seen.at(-1) });
    seen.push(...(await page.value()).map((item) => item.id));
    next = page.raw.headers.has("Link");
  }
  same(seen.slice(1), [lamp.id, other.id]);
  await problem(400, api.listItems({ limit: 0 }));

  same(await api.getItem({ id: lamp.id, ifNoneMatch: '"9", W/"8"' }), lamp);
  same((await failure(api.getItem({ id: lamp.id, ifNoneMatch: first }))).status, 304);
  const updated = await api.updateItemRaw({ id: lamp.id, itemInput: { name: "lamp" }, ifMatch: first });
  const second = updated.raw.headers.get("ETag");
  same([(await updated.value()).description, second === first], ["", false]);
  await problem(412, api.updateItem({ id: lamp.id, itemInput: { name: "old" }, ifMatch: first }));
  same((await api.headItemRaw({ id: lamp.id })).raw.headers.get("ETag"), second);
  await problem(412, api.deleteItem({ id: lamp.id, ifMatch: first }));
  for (const { id } of [lamp, other]) same((await api.deleteItemRaw({ id, ifMatch: "*" })).raw.status, 204);
  await problem(404, api.getItem({ id: lamp.id }));
  same((await new ServiceApi(configuration).getReadiness()).startsWith("database: ok\n"), true);
}

main();
