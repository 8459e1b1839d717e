/** What is served over plain HTTP. */
export { withoutCommonNames } from './common-names.ts';
export { type AccessRule, mayOpenWebSocket, withAccessRule } from './cors.ts';
export type { HttpHandler, HttpRequest, HttpResponse } from './exchange.ts';
export type { HealthObserver } from './health.ts';
export { clientRouter, monitoringRouter, type RouterOptions } from './router.ts';
export type { WebSocketOptions } from './websocket.ts';
