import { expect, test } from "vitest";
import { MAX_VIEWERS_PER_TOKEN, MAX_WATCHERS } from "#server/session/limits.ts";
import { answerTo, dial, pageAt } from "#test/support/doors.ts";
import { SCRIPTED_WORKER, TestGateway } from "#test/support/gateway.ts";

// Who has a link without control, and means harm to who has control.

const SESSION = "vm";

/** Opens so many viewers with the token, which stay; what each was told. */
async function open(
  host: TestGateway,
  token: string,
  count: number,
): Promise<{ answers: string[]; close: () => void }> {
  const sockets = Array.from({ length: count }, () => dial(host.url, { auth: { token } }));
  const answers = await Promise.all(sockets.map((socket) => answerTo(socket)));
  return { answers, close: () => sockets.forEach((socket) => void socket.disconnect()) };
}

test("takes no place of who steers, nor the last one of who watches by another link", async () => {
  await using host = await TestGateway.start({ workerMain: SCRIPTED_WORKER });
  const operator = await host.operatorToken(SESSION, "control");
  const hostile = await open(host, await host.operatorToken(SESSION, "view"), 32);
  const letIn = hostile.answers.filter((answer) => answer === "let in");
  expect(letIn).toHaveLength(MAX_VIEWERS_PER_TOKEN);
  expect(await pageAt(host.url, operator)).toBe("let in");
  const admins = await host.operatorToken(SESSION, "view");
  expect(await pageAt(host.url, admins)).toBe("let in");
  const other = await open(host, await host.operatorToken(SESSION, "view"), 32);
  expect(other.answers.filter((answer) => answer === "let in")).toHaveLength(
    MAX_WATCHERS - MAX_VIEWERS_PER_TOKEN,
  );
  expect(await pageAt(host.url, admins)).toMatch(/has 24 viewers without control already/);
  expect(await pageAt(host.url, operator)).toBe("let in");
  hostile.close();
  await expect.poll(() => pageAt(host.url, admins)).toBe("let in");
  other.close();
});

test("that joins without end is told so, and nobody else is", async () => {
  const yaml = "doors: { tokenJoinsPerMinute: 3, joinsPerMinute: 5 }";
  await using host = await TestGateway.start({ workerMain: SCRIPTED_WORKER, yaml });
  const joins = async (token: string, count: number): Promise<string[]> => {
    const answers: string[] = [];
    for (let join = 0; join < count; join++) answers.push(await pageAt(host.url, token));
    return answers;
  };
  expect(await joins(await host.operatorToken(SESSION, "view"), 4)).toEqual([
    "let in",
    "let in",
    "let in",
    expect.stringMatching(/^A viewer's token joined session vm over 3 times within a minute/),
  ]);
  expect(await joins(await host.operatorToken(SESSION, "view"), 3)).toEqual([
    "let in",
    "let in",
    expect.stringMatching(/^Session vm was joined over 5 times .* by viewers that watch/),
  ]);
  expect(await joins(await host.operatorToken(SESSION, "control"), 3)).toEqual(
    Array<string>(3).fill("let in"),
  );
});
