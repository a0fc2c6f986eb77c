import { expect, test } from "vitest";
import { countOf, openMember, resume, say, seqsOf } from "../testing/room-clients.js";
import { startServer } from "../testing/start-server.js";

test.concurrent("[PRESENCE-1] a client's own close leaves at once: with 1000, and without a code", async () => {
  await using server = await startServer();
  const { client: bob } = await openMember(server, "bob", "lab");
  for (const code of [1000, undefined]) {
    const { client: ada, token } = await openMember(server, "ada", "lab");
    ada.socket.close(code);
    expect((await bob.next("user_left")).payload).toMatchObject({ user_id: "ada", member_count: 1 });
    expect((await resume(server, { token })).resumed.session).toBe(false);
  }
});

test.concurrent("[PRESENCE-2] a lost connection stays for its grace, and who returns within it was never gone", async () => {
  await using server = await startServer();
  const { client: bob } = await openMember(server, "bob", "lab");
  for (const end of ["terminate", "going away"] as const) {
    const { client: ada, token } = await openMember(server, "ada", "lab");
    if (end === "terminate") ada.socket.terminate();
    else ada.socket.close(1001);
    await ada.closed;
    const { client } = await resume(server, { token });
    const state = (await client.next("room_state")).payload;
    expect(state.member_count).toBe(2);
    client.socket.close(1000);
    await bob.next("user_left");
  }
  expect([countOf(bob.log, "user_joined"), countOf(bob.log, "user_left")]).toEqual([2, 2]);
});

test.concurrent("[PRESENCE-3] after the grace others are told, and a later return within the window joins again", async () => {
  await using server = await startServer({ settings: { presenceGraceMs: 30, resumeWindowMs: 60_000 } });
  const { client: bob } = await openMember(server, "bob", "lab");
  const { client: ada, token, position, connectionId } = await openMember(server, "ada", "lab");
  ada.socket.terminate();
  expect((await bob.next("user_left")).payload).toMatchObject({
    connection_id: connectionId,
    member_count: 1,
  });
  await say(bob, "lab", 1, 1);
  const { client, resumed } = await resume(server, { token, positions: { rooms: { lab: position } } });
  expect(resumed).toMatchObject({ session: true, rooms: { lab: { recovered: true } } });
  await client.next("room_state");
  expect((await bob.next("user_joined")).payload.connection_id).toBe(connectionId);
  expect(seqsOf(client.log, "lab")).toEqual([1]);
});

test.concurrent("[PRESENCE-4] it is taken back too where who typed was lost meanwhile", async () => {
  await using server = await startServer();
  const { client: ada } = await openMember(server, "ada", "lab");
  const { client: bob, connectionId } = await openMember(server, "bob", "lab");
  bob.send("typing_indicator", { room_id: "lab", is_typing: true });
  expect((await ada.next("typing_indicator")).payload.is_typing).toBe(true);
  bob.socket.terminate();
  expect((await ada.next("typing_indicator")).payload).toMatchObject({
    connection_id: connectionId,
    is_typing: false,
  });
  expect(countOf(ada.log, "user_left")).toBe(0);
});

test.concurrent("[PRESENCE-4] a sign that somebody types holds for some seconds and is then taken back", async () => {
  await using server = await startServer({ settings: { heartbeatIntervalMs: 200 } });
  const { client: bob } = await openMember(server, "bob", "lab");
  const { client: ada, connectionId } = await openMember(server, "ada", "lab");
  ada.send("typing_indicator", { room_id: "lab", is_typing: true });
  expect((await bob.next("typing_indicator")).payload).toEqual({
    room_id: "lab",
    user_id: "ada",
    user_name: "ADA",
    connection_id: connectionId,
    is_typing: true,
  });
  expect((await bob.next("typing_indicator")).payload.is_typing).toBe(false);
  expect(countOf(ada.log, "typing_indicator")).toBe(0);
}, 20_000);

test("[PRESENCE-5] cursors go to the others with their user, and of those that wait the latest of each connection", async () => {
  await using server = await startServer();
  const { client: bob } = await openMember(server, "bob", "lab");
  const { client: ada, connectionId } = await openMember(server, "ada", "lab");
  for (let line = 1; line <= 50; line++) {
    ada.send("cursor_position", { room_id: "lab", position: { line }, selection: null, colour: "red" });
  }
  await expect
    .poll(() => bob.log.findLast(({ type }) => type === "cursor_position")?.payload)
    .toEqual({
      room_id: "lab",
      user_id: "ada",
      user_name: "ADA",
      connection_id: connectionId,
      position: { line: 50 },
      colour: "red",
    });
});
