import { expect, test, vi } from "vitest";
import { createEmitter } from "./events.js";
import { createStore, createTail } from "./store.js";

test("[CLIENT-28] a store tells its listeners of changes alone, until they stop", () => {
  const store = createStore(1);
  const seen: number[] = [];
  const listener = () => seen.push(store.getSnapshot());
  const stop = store.subscribe(listener);
  const stopTwice = store.subscribe(listener);
  store.set(1);
  store.set(2);
  stop();
  store.set(3);
  stopTwice();
  store.set(4);
  expect(seen).toEqual([2, 2, 3]);
});

test("[CLIENT-28] a tail keeps the newest, and its snapshot is the same until it grows", () => {
  const tail = createTail<number>(2);
  expect(tail.getSnapshot()).toBe(tail.getSnapshot());
  for (const item of [1, 2, 3]) tail.push(item);
  expect(tail.getSnapshot()).toEqual([2, 3]);
});

test("[CLIENT-28] events are told in the order of their listeners; who stops meanwhile is asked no more the next time", () => {
  const emitter = createEmitter<{ said: [text: string] }>();
  const seen: string[] = [];
  const plain = (text: string) => void seen.push(`plain ${text}`);
  const once = (text: string) => void seen.push(`once ${text}`);
  emitter.once("said", once);
  emitter.on("said", plain);
  emitter.emit("said", "a");
  emitter.emit("said", "b");
  emitter.off("said", plain);
  emitter.once("said", once);
  emitter.off("said", once);
  emitter.emit("said", "c");
  expect(seen).toEqual(["once a", "plain a", "plain b"]);
});

test("[CLIENT-28] a listener that throws disturbs no other: its error is one that nobody caught", async () => {
  const store = createStore(1);
  const emitter = createEmitter<{ said: [] }>();
  const seen: string[] = [];
  const fail = () => {
    throw new Error("of a listener");
  };
  store.subscribe(fail);
  store.subscribe(() => seen.push("store"));
  emitter.on("said", fail);
  emitter.on("said", () => seen.push("event"));
  const reported: unknown[] = [];
  const queue = vi.spyOn(globalThis, "queueMicrotask").mockImplementation((task) => {
    try {
      task();
    } catch (error) {
      reported.push(error);
    }
  });
  store.set(2);
  emitter.emit("said");
  queue.mockRestore();
  expect(seen).toEqual(["store", "event"]);
  expect(reported).toEqual([new Error("of a listener"), new Error("of a listener")]);
});
