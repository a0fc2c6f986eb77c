import type { AnswerRequest } from "@sparql-live/engine";
import {
  beginExecution,
  type Execution,
  type ExecutionBounds,
  type ExecutionDeps,
  type Follower,
} from "./execution.js";

/** The executions in progress. Equal requests at the same time share one. */
export interface Executions {
  join(request: AnswerRequest, follower: Follower): Execution;
}

export function createExecutions(deps: ExecutionDeps, bounds: ExecutionBounds): Executions {
  const executions = new Map<string, Execution>();
  return {
    join(request, follower) {
      const key = executionKey(request);
      const known = executions.get(key);
      if (known?.isJoinable === true) {
        known.follow(follower);
        return known;
      }
      const execution = beginExecution(request, follower, deps, bounds);
      executions.set(key, execution);
      void execution.done.then(() => {
        if (executions.get(key) === execution) executions.delete(key);
      });
      return execution;
    },
  };
}

/** Equal for requests that have the same answer: whatever a request may be answered by must stand in it. */
function executionKey(request: AnswerRequest): string {
  const { question, sparql, endpointId, endpointUrl, endpointHeaders } = request;
  const { strategy, execute, limit, timeoutMs, projection } = request;
  return JSON.stringify([
    question ?? null,
    sparql ?? null,
    endpointId ?? null,
    endpointUrl ?? null,
    endpointHeaders ?? null,
    strategy ?? "auto",
    execute ?? true,
    limit ?? null,
    timeoutMs ?? null,
    projection ?? "rich",
  ]);
}
