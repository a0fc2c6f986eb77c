import { styleText } from "node:util";
import type { AnswerEvent, Stage } from "@sparql-live/engine";
import stringWidth from "string-width";

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"] as const;
const FRAME_MS = 80;
const STAGE_WIDTH = "generating".length + 1;

/** Where an answer's progress is shown: a stepper on a terminal, plain lines elsewhere. Never on standard output. */
export interface Stepper {
  take(event: Extract<AnswerEvent, { kind: "progress" }>): void;
  /** Ends the display; nothing of it moves afterwards. */
  end(outcome: "done" | "failed" | "interrupted"): void;
}

export function createStepper(stream: NodeJS.WriteStream): Stepper {
  return stream.isTTY ? createLiveStepper(stream) : createPlainStepper(stream);
}

/** A line for every stage, written once: what a log file or a screen reader can follow. */
function createPlainStepper(stream: NodeJS.WritableStream): Stepper {
  let last: { readonly stage: Stage; readonly message: string } | undefined;
  const flush = () => {
    if (last !== undefined) stream.write(`${last.stage}: ${last.message}\n`);
    last = undefined;
  };
  return {
    take({ stage, message }) {
      if (last !== undefined && last.stage !== stage) flush();
      last = { stage, message };
    },
    end: flush,
  };
}

function createLiveStepper(stream: NodeJS.WriteStream): Stepper {
  const startedAt = performance.now();
  let current: { readonly stage: Stage; readonly message: string } | undefined;
  let frame = 0;

  const line = (mark: string, { stage, message }: { readonly stage: Stage; readonly message: string }) =>
    `${mark} ${stage.padEnd(STAGE_WIDTH)} ${styleText("dim", fit(message, (stream.columns ?? 80) - 24))}`;
  const draw = () => {
    if (current === undefined) return;
    frame = (frame + 1) % FRAMES.length;
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    const spinner = styleText("cyan", FRAMES[frame] ?? "");
    stream.write(`\r\x1b[K${line(spinner, current)} ${styleText("dim", `${seconds} s`)}`);
  };
  const settle = (mark: string) => {
    if (current !== undefined) stream.write(`\r\x1b[K${line(mark, current)}\n`);
    current = undefined;
  };
  const timer = setInterval(draw, FRAME_MS);
  timer.unref();
  stream.write("\x1b[?25l");

  return {
    take({ stage, message }) {
      if (current !== undefined && current.stage !== stage) settle(styleText("green", "✓"));
      current = { stage, message };
      draw();
    },
    end(outcome) {
      clearInterval(timer);
      settle(outcome === "done" ? styleText("green", "✓") : styleText("red", "✗"));
      stream.write("\x1b[?25h");
    },
  };
}

/** Cuts a text to a number of terminal columns. */
export function fit(text: string, columns: number): string {
  const line = text.replaceAll(/\s+/g, " ");
  if (stringWidth(line) <= columns) return line;
  let kept = "";
  let width = 0;
  for (const character of line) {
    width += stringWidth(character);
    if (width > columns - 1) break;
    kept += character;
  }
  return `${kept}…`;
}
