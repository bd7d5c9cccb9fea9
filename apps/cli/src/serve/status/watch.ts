import { json, type Route } from '@blockyard/http-api';
import { StatusWatch as Watch } from '@blockyard/page/status';

export const STATUS_PATH = '/v1/status';

/** A watch that the API of a server asks. */
export class StatusWatch extends Watch {
  readonly route: Route = { method: 'GET', path: STATUS_PATH, answer: () => json(this.status()) };
}
