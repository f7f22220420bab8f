import type { Priority } from './events.js';

/** What both halves of a request stream know of the exchange. */
export interface Exchange {
  readonly id: number;
  /** Method of the request, once it was sent or received. */
  method: string | undefined;
  /** Priority of the response, once the client has said one. A PRIORITY_UPDATE goes before the request's field. */
  priority: Priority | undefined;
}
