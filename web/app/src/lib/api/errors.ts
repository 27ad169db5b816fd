// What can go wrong with a request, in three kinds that callers treat differently: the node said no (`ApiError`),
// the node could not be reached (`NetworkError`), anything else is our own bug.
import { t } from '$lib/i18n';

export interface Problem {
  type?: string;
  title?: string;
  status?: number;
  code?: string;
  detail?: string;
  /** Attempts left, of a wrong passcode. */
  left?: number;
}

export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    /** Seconds the node asked to wait, from `Retry-After`. */
    readonly retryAfter: number | null,
    /** How many more attempts the node allows, where it counts them. */
    readonly left: number | null = null,
  ) {
    super(`${status} ${code}`);
    this.name = 'ApiError';
  }
}

export class NetworkError extends Error {
  constructor(readonly reason: 'unreachable' | 'timeout') {
    super(reason);
    this.name = 'NetworkError';
  }
}

/** The person closed the question that had to be answered before the request could be repeated. Nothing went wrong. */
export class GivenUp extends Error {
  constructor() {
    super('given up');
    this.name = 'GivenUp';
  }
}

export const problemOf = async (response: Response): Promise<ApiError> =>
  problemFrom(response.status, await response.json().catch(() => null), response.headers.get('Retry-After'));

/** @param body the answer as far as it was JSON */
export function problemFrom(status: number, body: unknown, retryAfter: string | null): ApiError {
  const problem: Problem = body && typeof body === 'object' ? (body as Problem) : {};
  const wait = Number(retryAfter);
  return new ApiError(
    status,
    problem.code ?? `http_${status}`,
    problem.title ?? '',
    problem.detail ?? '',
    Number.isFinite(wait) && wait > 0 ? wait : null,
    typeof problem.left === 'number' ? problem.left : null,
  );
}

/** One sentence for the person. */
export function sentence(error: unknown): string {
  if (error instanceof NetworkError) return error.reason === 'timeout' ? t.problemTimeout : t.problemNetwork;
  if (error instanceof ApiError) {
    const own = error.detail || error.title;
    if (own) return own;
    if (error.status === 403) return t.problemForbidden;
  }
  return t.problemUnexpected;
}
