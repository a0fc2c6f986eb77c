import { isPassing, type SparqlLiveError } from "../errors.js";
import { newId } from "../ids.js";
import { CLIENT_LIMITS } from "../limits.js";
import type { MessageOf } from "../messages.js";
import type { Place } from "../outbox.js";
import type { RoomLog } from "./room-log.js";

/** Asks for the entries of a room that are missing, page after page, until none is. */
export interface GapFiller {
  readonly isBusy: boolean;
  /** There is something between the position and this place, or before what is held. */
  fill(upToSeq: number): void;
  /** Whether the message was the answer to a question of ours. */
  take(message: MessageOf<"room_history">): boolean;
  /** The same for what was refused. */
  refused(correlationId: string, error: SparqlLiveError): boolean;
  /** An entry was taken. */
  moved(): void;
  stop(): void;
}

export interface GapFillerOptions {
  readonly log: RoomLog;
  /** `false` where there is no connection: whoever comes back resumes. */
  readonly ask: (id: string, since: Place) => boolean;
  readonly onFilled: () => void;
  /** It cannot be had. */
  readonly onGap: () => void;
}

interface Question {
  readonly id: string;
  readonly sinceSeq: number;
  /** Of the last entry of the answer; `null` before the answer. */
  lastSeq: number | null;
}

export function createGapFiller({ log, ask, onFilled, onGap }: GapFillerOptions): GapFiller {
  let question: Question | null = null;
  let goalSeq = 0;
  let fruitlessCount = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const stop = () => {
    clearTimeout(timer);
    question = null;
    goalSeq = 0;
    fruitlessCount = 0;
  };

  const askNow = () => {
    clearTimeout(timer);
    const { position } = log;
    if (position === null) return stop();
    question = { id: newId(), sinceSeq: position.seq, lastSeq: null };
    if (!ask(question.id, position)) return stop();
    timer = setTimeout(askNow, CLIENT_LIMITS.requestTimeoutMs);
  };

  const giveUp = () => {
    stop();
    onGap();
  };

  /** The answer has come whole: is that all? */
  const conclude = (sinceSeq: number) => {
    const seq = log.position?.seq ?? 0;
    question = null;
    clearTimeout(timer);
    if (seq >= goalSeq && !log.isWaiting) {
      stop();
      onFilled();
      return;
    }
    fruitlessCount = seq > sinceSeq ? 0 : fruitlessCount + 1;
    if (fruitlessCount > CLIENT_LIMITS.fruitlessQuestionsCount) return giveUp();
    if (fruitlessCount === 0) return askNow();
    // What was acknowledged here may be a moment away there.
    timer = setTimeout(askNow, CLIENT_LIMITS.refusedRetryMs);
  };

  const check = () => {
    if (question === null || question.lastSeq === null) return;
    if ((log.position?.seq ?? 0) >= question.lastSeq) conclude(question.sinceSeq);
  };

  return {
    get isBusy() {
      return question !== null || goalSeq > 0;
    },
    fill(upToSeq) {
      const isUnderWay = goalSeq > 0;
      goalSeq = Math.max(goalSeq, upToSeq);
      if (!isUnderWay) askNow();
    },
    take({ correlation_id: id, payload }) {
      if (question === null || id !== question.id) return false;
      // `room_state` follows, and says where it goes on.
      if (!payload.recovered) stop();
      else {
        question.lastSeq = payload.seq;
        check();
      }
      return true;
    },
    refused(correlationId, error) {
      if (question === null || correlationId !== question.id) return false;
      question = null;
      clearTimeout(timer);
      if (isPassing(error)) {
        timer = setTimeout(askNow, error.details.retryAfterMs ?? CLIENT_LIMITS.refusedRetryMs);
      } else giveUp();
      return true;
    },
    moved: check,
    stop,
  };
}
