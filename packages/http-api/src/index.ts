export {
  type Answer,
  type ApiErrorBody,
  json,
  RequestError,
  type RequestErrorCode,
  type StreamAnswer,
} from './answer.js';
export { type ApiServerOptions, createApiServer } from './api-server.js';
export { type GuardOptions, guard } from './guard.js';
export { checkHost } from './host-check.js';
export { fdOf, type HttpAddress, type ListenHttpOptions, listenHttp, urlOf } from './listen.js';
export { type ApiRequest, checkFields, flagField, type Route, sizeField, textField } from './routes.js';
export { SecretToken, TOKEN_LENGTH_MIN, type TokenCheck } from './token.js';
